import { chmod, mkdir, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import type { LocalStatus } from './local-status.ts';

export interface StatusServer {
  close(): Promise<void>;
}

/** Answers `GET /status` on a socket that only the agent's own user may use. Throws when another agent runs there. */
export async function serveStatus(socketPath: string, status: () => LocalStatus): Promise<StatusServer> {
  await mkdir(dirname(socketPath), { recursive: true, mode: 0o710 });
  if (await isServed(socketPath)) throw new Error(`an agent already runs here: ${socketPath} answers`);
  await rm(socketPath, { force: true });
  const server = createServer({ requestTimeout: 5_000 }, ({ method, url }, response) => {
    const isKnown = method === 'GET' && url === '/status';
    response.writeHead(isKnown ? 200 : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify(isKnown ? status() : { error: 'the agent has GET /status only' }));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(socketPath, resolve);
  });
  await chmod(socketPath, 0o600);
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function isServed(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
