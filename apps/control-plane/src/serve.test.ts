import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { controlPlaneConfigurationSchema } from './configuration/control-plane-configuration.ts';
import { prepareDatabaseAt } from './database/prepare.ts';
import { serve } from './serve.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'culvert-serve-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** The port 0 lets the system choose one; a file cannot have it. */
const configuration = (port: number, agentPort = 0) => ({
  ...controlPlaneConfigurationSchema.parse({
    publicUrl: 'https://localhost:8443',
    database: `sqlite:${join(directory, 'control.db')}`,
    stateDirectory: directory,
  }),
  listen: { address: '127.0.0.1', port },
  agents: { listen: { address: '127.0.0.1', port: agentPort } },
});

function takePort(): Promise<{ server: Server; port: number }> {
  const server = createServer();
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve({ server, port: typeof address === 'object' && address !== null ? address.port : 0 });
    });
  });
}

test('a first start that finds its port taken says so, and the next one still shows the first administrator', async () => {
  const { server, port } = await takePort();
  await expect(serve(configuration(port))).rejects.toThrow(
    `listen.port: another program has port ${port} of 127.0.0.1; stop it, or choose another port`,
  );
  await new Promise((resolve) => server.close(resolve));
  const running = await serve(configuration(0));
  expect(running.firstAdministrator).toMatchObject({ userName: 'admin' });
  await running.stop();
});

test('a port of the agent listener that is taken is named, and nothing is left open', async () => {
  const { server, port } = await takePort();
  await expect(serve(configuration(0, port))).rejects.toThrow(
    `agents.listen.port: another program has port ${port} of 127.0.0.1; stop it, or choose another port`,
  );
  await new Promise((resolve) => server.close(resolve));
});

test('a start that fails after its listeners were opened closes them', async () => {
  const ports = await Promise.all([takePort(), takePort()]);
  await Promise.all(ports.map(({ server }) => new Promise((resolve) => server.close(resolve))));
  const [main = 0, agents = 0] = ports.map(({ port }) => port);
  const { database } = configuration(main);
  await prepareDatabaseAt(database, () => {});
  const file = new DatabaseSync(database.slice('sqlite:'.length));
  file.exec(
    `create trigger no_account before insert on accounts begin select raise(abort, 'no more accounts'); end`,
  );
  file.close();
  await expect(serve(configuration(main, agents))).rejects.toThrow('no more accounts');
  for (const port of [main, agents]) {
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(port, '127.0.0.1', resolve);
    });
    await new Promise((resolve) => server.close(resolve));
  }
});

test('an address that this host does not have is named', async () => {
  const elsewhere = { ...configuration(0), listen: { address: '192.0.2.77', port: 0 } };
  await expect(serve(elsewhere)).rejects.toThrow('listen.address: this host has no address 192.0.2.77');
});

test('another secrets key than that of the first start is refused, with its identifier and the remedy', async () => {
  await (await serve(configuration(0))).stop();
  writeFileSync(join(directory, 'secrets.key'), `${randomBytes(32).toString('base64')}\n`);
  await expect(serve(configuration(0))).rejects.toThrow(
    /encrypted with another key than the one here \(identifier [0-9a-f]{16}\): bring the key of the first start back/,
  );
});
