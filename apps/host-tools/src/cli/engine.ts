import { readFile } from 'node:fs/promises';
import { chooseEngine, readOsRelease } from '../container-engine/choose-engine.ts';
import type { ContainerEngine } from '../container-engine/container-engine.ts';
import { loadEnvironmentFile } from '../host-layout/environment-file.ts';
import { serviceAccount } from '../host-layout/host-layout.ts';
import type { ServerPlace } from './commands.ts';

/** The engine that runs the containers of a server. Rejects with a Failure when none answers. */
export async function engineOf({ layout }: ServerPlace): Promise<ContainerEngine> {
  const variables = loadEnvironmentFile(layout.environmentFile);
  return chooseEngine({ variables, osRelease: readOsRelease(), userId: await serviceUserId() });
}

async function serviceUserId(): Promise<number | undefined> {
  const accounts = await readFile('/etc/passwd', 'utf8');
  const line = accounts.split('\n').find((account) => account.startsWith(`${serviceAccount}:`));
  const userId = line?.split(':')[2];
  return userId === undefined ? undefined : Number(userId);
}
