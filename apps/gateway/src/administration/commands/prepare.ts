import { resolve } from 'node:path';
import {
  connectLine,
  type FirstStartChoices,
  type Prepared,
  prepareFirstStart,
} from '../../first-start/prepare.ts';
import { CommandFailure } from '../client.ts';
import type { Terminal } from '../terminal.ts';

/** `gateway prepare`: what `npm start` does first. Generates what is missing, and shows how to connect. */
export async function prepare(
  directory: string,
  choices: FirstStartChoices,
  terminal: Terminal,
): Promise<number> {
  const prepared = await prepareFirstStart(resolve(directory), choices).catch((error: unknown) => {
    throw new CommandFailure(error instanceof Error ? error.message : String(error));
  });
  terminal.print(describe(prepared));
  return 0;
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

Sessions, sign-ins and bans: npm run gateway -- sessions`;
}
