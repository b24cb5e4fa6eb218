import { resolve } from 'node:path';
import {
  connectLine,
  type FirstStartChoices,
  type Prepared,
  prepareFirstStart,
} from '../../first-start/prepare.ts';
import { CommandFailure } from '../client.ts';
import { useMemorySettings } from '../memory-settings.ts';
import type { Terminal } from '../terminal.ts';
import { run } from './run.ts';

/** `gateway start`: what `npm start` runs. Generates what is missing, shows how to connect, and serves. */
export async function start(
  directory: string,
  choices: FirstStartChoices,
  terminal: Terminal,
): Promise<number> {
  // Before anything is generated or shown, which must happen once.
  useMemorySettings();
  const prepared = await prepareFirstStart(resolve(directory), choices).catch((error: unknown) => {
    throw new CommandFailure(error instanceof Error ? error.message : String(error));
  });
  terminal.print(describe(prepared));
  return run(prepared.configurationFile);
}

function describe(prepared: Prepared): string {
  const { publicAddress, port, network, user, password, authorityFingerprint, authorityFile } = prepared;
  const secret =
    password === undefined
      ? `was shown at the first start; set a new one with: npm run gateway -- passwd --file ${prepared.configurationFile.replace(/gateway\.json$/, 'users')} ${user}`
      : `${password}   (shown only now)`;
  return `
Culvert gateway

  Public address    ${publicAddress}, port ${port} (TCP and UDP)
  Devices get       addresses of ${network}
  User              ${user}
  Password          ${secret}
  Authority         ${authorityFile}
  SHA-256           ${authorityFingerprint}
  Configuration     ${prepared.configurationFile}

Connect a device that has the authority's file:

  sudo ${connectLine(prepared)}

Stop with Ctrl-C. Sessions, sign-ins and bans: npm run gateway -- sessions
`;
}
