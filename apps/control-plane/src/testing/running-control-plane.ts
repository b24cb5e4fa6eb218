import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ControlPlaneConfiguration } from '../configuration/control-plane-configuration.ts';
import type { DatabaseEngine } from '../database/open.ts';
import { type RunningControlPlane, serve } from '../serve.ts';
import { emptyDatabase } from './databases.ts';
import { type Fetch, fetchFrom } from './fetch.ts';

export const publicUrl = 'https://control.test:8443';

/** Control planes as they run in production, over one database, each on a port of loopback. */
export interface ControlPlanes {
  readonly replicas: readonly RunningControlPlane[];
  /** Speaks to them in turns under the public address, like a load balancer. */
  readonly fetch: Fetch;
  readonly administrator: { userName: string; password: string };
  stop(): Promise<void>;
}

/** Starts this many replicas. */
export async function startControlPlanes(
  engine: DatabaseEngine,
  { count = 1, trustedProxies = [] }: { count?: number; trustedProxies?: string[] } = {},
): Promise<ControlPlanes> {
  const directory = mkdtempSync(join(tmpdir(), 'culvert-control-'));
  const secretsKeyFile = join(directory, 'secrets.key');
  writeFileSync(secretsKeyFile, randomBytes(32).toString('base64'));
  const place = await emptyDatabase(engine);
  const configurationOf = (name: string): ControlPlaneConfiguration => ({
    listen: { address: '127.0.0.1', port: 0 },
    publicUrl,
    database: place.url,
    agents: { listen: { port: 0 } },
    stateDirectory: join(directory, name),
    downloadsDirectory: join(directory, 'downloads'),
    secretsKeyFile,
    trustedProxies,
  });
  const replicas = await Promise.all(
    Array.from({ length: count }, (_, index) => serve(configurationOf(`replica-${index}`))),
  );
  const administrator = replicas.map(({ firstAdministrator }) => firstAdministrator).find((one) => one);
  if (administrator === undefined) throw new Error('this is no first start');
  return {
    replicas,
    administrator,
    fetch: fetchFrom(
      replicas.map(({ port, certificate }) => ({
        port,
        authority: readFileSync(certificate.authority?.file ?? '', 'utf8'),
      })),
    ),
    stop: async () => {
      await Promise.all(replicas.map((replica) => replica.stop()));
      await place.remove();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
