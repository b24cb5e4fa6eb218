import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';

/** Listens on a free port of loopback; resolves to it. */
export async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Listens on loopback and stops again: nobody is there. */
export async function deadPort(server: Server): Promise<number> {
  const port = await listen(server);
  server.close();
  await once(server, 'close');
  return port;
}
