import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { controlPlaneConfigurationSchema } from '../configuration/control-plane-configuration.ts';
import { type RunningControlPlane, serve } from '../serve.ts';
import { createToken } from '../tokens/store.ts';

/** A control plane over HTTPS on loopback, with a database and a state directory of its own. */
export interface RunningTest {
  url: string;
  port: number;
  /** PEM of the authority that it made for its certificate. */
  authority: string;
  controlPlane: RunningControlPlane;
  /** Makes a token with the permissions of a role. */
  token(roleId: string): Promise<string>;
  stop(): Promise<void>;
}

export async function startControlPlane(): Promise<RunningTest> {
  const directory = mkdtempSync(join(tmpdir(), 'culvert-control-plane-'));
  const port = await freePort();
  const url = `https://localhost:${port}`;
  const controlPlane = await serve(
    controlPlaneConfigurationSchema.parse({
      listen: { address: '127.0.0.1', port },
      publicUrl: url,
      agents: { listen: { port: await freePort() } },
      database: `sqlite:${join(directory, 'control.db')}`,
      stateDirectory: join(directory, 'state'),
    }),
  );
  const { database } = controlPlane.context;
  return {
    url,
    port,
    authority: await authorityOf(controlPlane),
    controlPlane,
    token: async (roleId) => {
      const wanted = { displayName: roleId, roleId, scopeTagIds: undefined, lifetime: 3_600_000 };
      return (await createToken(database.tables, wanted, { kind: 'system', name: 'test' }, new Date())).token;
    },
    stop: async () => {
      await controlPlane.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function authorityOf({ certificate }: RunningControlPlane): Promise<string> {
  if (certificate.authority === undefined) throw new Error('the certificate is not our own');
  return readFile(certificate.authority.file, 'utf8');
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}
