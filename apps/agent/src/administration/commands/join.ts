import { mkdir, readFile } from 'node:fs/promises';
import type { HostPaths } from '../../host-paths.ts';
import type { Membership } from '../../identity/identity.ts';
import { IdentityStore } from '../../identity/identity-store.ts';
import { joinAsAdministrator, NoSiteNamed } from '../../joining/join-as-administrator.ts';
import { joinWithToken } from '../../joining/join-with-token.ts';
import { joinWords } from '../../joining/words.ts';
import { readSettings } from '../../settings.ts';
import type { Terminal } from '../terminal.ts';

export interface JoinChoices {
  joinToken?: string;
  joinTokenFile?: string;
  controlPlane?: string;
  accessToken?: string;
  authorityFile?: string;
  site?: string;
  server?: string;
  again?: boolean;
}

/** `agent join`. An agent that runs takes the outcome over at its next attempt. */
export async function joinCommand(
  paths: HostPaths,
  choices: JoinChoices,
  terminal: Terminal,
  environment: NodeJS.ProcessEnv,
): Promise<number> {
  const words = joinWords(environment);
  const store = new IdentityStore(paths.agentDirectory);
  await mkdir(paths.agentDirectory, { recursive: true, mode: 0o700 });
  if (choices.again !== true) await requireNotJoined(store);
  const surroundings = { store, environment, ...(await readSettings(paths.settingsFile)) };
  const join = async (): Promise<Membership> => {
    const { controlPlane, authorityFile, site, server } = choices;
    if (controlPlane === undefined) return joinWithToken(await tokenOf(choices, terminal), surroundings);
    const authority = authorityFile === undefined ? undefined : await readNamed(authorityFile);
    const show = (address: string, code: string) => terminal.print(words.signIn(address, code));
    const asked = { controlPlane, authority, siteId: site, serverId: server };
    const { accessToken } = choices;
    const signedIn = accessToken === undefined ? {} : { accessToken: await wordOf(accessToken, terminal) };
    return joinAsAdministrator({ ...asked, ...signedIn }, show, surroundings);
  };
  try {
    const { displayName, siteId } = await join();
    terminal.print(words.joined(displayName, siteId));
    return 0;
  } catch (error) {
    if (!(error instanceof NoSiteNamed)) throw error;
    const lines = error.sites.map(
      ({ id, displayName, publicAddress }) => `  ${id}  ${displayName}  ${publicAddress}`,
    );
    terminal.complain(
      lines.length === 0 ? words.noSites : [words.sites, ...lines, words.nameSite].join('\n'),
    );
    return 1;
  }
}

async function requireNotJoined(store: IdentityStore): Promise<void> {
  const stored = await store.load();
  if (stored.kind === 'damaged') throw new Error(stored.message);
  if (stored.kind === 'none') return;
  const { serverId, url } = stored.identity.membership;
  throw new Error(`this server has joined ${url} already, as ${serverId}; add --again to join again`);
}

async function tokenOf({ joinToken, joinTokenFile }: JoinChoices, terminal: Terminal): Promise<string> {
  if (joinTokenFile !== undefined) return readNamed(joinTokenFile);
  return wordOf(joinToken ?? '-', terminal);
}

/** A secret of the command line, or of standard input for `-`. */
async function wordOf(text: string, terminal: Terminal): Promise<string> {
  return text === '-' ? (await terminal.readInput()).trim() : text;
}

function readNamed(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Error(`${file} cannot be read: ${error.message}`);
  });
}
