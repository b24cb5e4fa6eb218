import { once } from 'node:events';
import { createServer as createHttp } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

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

/** Servers of one test; all end with `close`. */
export class TestServers {
  readonly #servers: Server[] = [];
  readonly #sockets: Socket[] = [];

  /** Hands each connection to the listener; resolves to the port. */
  async tcp(listener: (socket: Socket) => void): Promise<number> {
    const server = createServer((socket) => {
      this.#sockets.push(socket);
      // A client that goes away is no mistake of the test.
      socket.on('error', () => {});
      listener(socket);
    });
    this.#servers.push(server);
    return listen(server);
  }

  /** The front of a gateway, which answers every request the same way; with `before` it wants that first, outside of TLS. */
  front({ key, cert }: { key: string; cert: string }, answer: string, before = ''): Promise<number> {
    return this.tcp((socket) => {
      const secure = () => {
        const tls = new TLSSocket(socket, { isServer: true, key, cert });
        tls.on('error', () => {});
        tls.once('data', () => tls.end(answer));
      };
      if (before === '') return secure();
      socket.once('readable', () => {
        if (String(socket.read(before.length)) !== before) socket.destroy();
        else secure();
      });
    });
  }

  /** A program at a socket that answers each request by its path: `[status, body]`; what is not there with 404. */
  async local(
    socketPath: string,
    answers: Readonly<Record<string, readonly [number, string]>>,
  ): Promise<void> {
    const server = createHttp(({ url = '' }, response) => {
      const [status, body] = answers[url] ?? [404, '{}'];
      response.writeHead(status).end(body);
    });
    this.#servers.push(server);
    server.listen(socketPath);
    await once(server, 'listening');
  }

  close(): void {
    for (const socket of this.#sockets.splice(0)) socket.destroy();
    for (const server of this.#servers.splice(0)) server.close();
  }
}
