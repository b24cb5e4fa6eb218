import { randomInt } from 'node:crypto';
import { access, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { ensureOwnCertificate } from '@culvert/certificates/self-signed.ts';
import { isAddress, type StandaloneConfiguration, standaloneConfigurationSchema } from '@culvert/contracts';
import { type RunCommand, runCommand } from '../network/command.ts';
import { setPassword } from '../passwords/edit-accounts.ts';
import { chooseFreeNetwork, networksOfRoutes } from './free-network.ts';

/** What the administrator may choose at the first start; everything else is generated. */
export interface FirstStartChoices {
  publicAddress?: string;
  port?: number;
}

/** What `npm start` shows. */
export interface Prepared {
  configurationFile: string;
  publicAddress: string;
  port: number;
  network: string;
  user: string;
  /** Only when this start has generated it; afterwards it exists as a hash only. */
  password: string | undefined;
  authorityFile: string;
  authorityFingerprint: string;
}

const firstUser = 'first-user';

/** No letter or digit that looks like another one, so that the password can be copied from a screen by hand. */
const passwordAlphabet = 'abcdefghijkmnpqrstuvwxyz23456789';

/**
 * Makes what a gateway needs in `directory` and keeps what is there: configuration, authority and certificate, users.
 * Rejects with an error whose message is meant for the administrator.
 */
export async function prepareFirstStart(
  directory: string,
  choices: FirstStartChoices,
  runOnHost: RunCommand = runCommand,
): Promise<Prepared> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const configurationFile = join(directory, 'gateway.json');
  const configuration =
    (await readConfiguration(configurationFile, choices)) ??
    (await makeConfiguration(configurationFile, choices, runOnHost));
  const { publicAddress, serverConfiguration } = configuration;
  const certificate = await ensureOwnCertificate(join(directory, 'tls'), publicAddress, new Date());
  return {
    configurationFile,
    publicAddress,
    port: serverConfiguration.listenPort,
    network: serverConfiguration.network,
    user: firstUser,
    password: await makeFirstUser(join(directory, 'users')),
    authorityFile: certificate.authorityFile,
    authorityFingerprint: certificate.authorityFingerprint,
  };
}

async function readConfiguration(
  file: string,
  choices: FirstStartChoices,
): Promise<StandaloneConfiguration | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const parsed = standaloneConfigurationSchema.safeParse(parseJson(text));
  if (!parsed.success) {
    throw new Error(`${file} is not valid; run "npm run gateway -- check --config ${file}" to see why`);
  }
  if (choices.publicAddress !== undefined && choices.publicAddress !== parsed.data.publicAddress) {
    throw new Error(
      `${file} is there already, with the public address ${parsed.data.publicAddress}; change it there, or leave the option out: it counts at the first start only`,
    );
  }
  if (choices.port !== undefined && choices.port !== parsed.data.serverConfiguration.listenPort) {
    const { listenPort } = parsed.data.serverConfiguration;
    throw new Error(
      `${file} is there already, with the port ${listenPort}; change it there, or leave the option out: it counts at the first start only`,
    );
  }
  return parsed.data;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function makeConfiguration(
  file: string,
  choices: FirstStartChoices,
  runOnHost: RunCommand,
): Promise<StandaloneConfiguration> {
  const network = chooseFreeNetwork(
    networksOfRoutes(await runOnHost('ip', ['-json', '-4', 'route', 'show'])),
  );
  if (network === undefined) {
    throw new Error('every private network is in use on this host; write a configuration file by hand');
  }
  const document = {
    publicAddress: choices.publicAddress ?? ownAddress(),
    serverConfiguration: {
      displayName: 'Default',
      listenPort: choices.port ?? 443,
      network,
      dnsServers: await hostNameServers(),
    },
    tls: { certificateFile: 'tls/site.crt', privateKeyFile: 'tls/site.key' },
    authentication: [{ kind: 'passwordFile', file: 'users' }],
    stateDirectory: '.',
  };
  const parsed = standaloneConfigurationSchema.safeParse(document);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new Error(`${issue?.path.join('.')}: ${issue?.message}`);
  }
  const temporary = `${file}.new`;
  await writeFile(temporary, `${JSON.stringify(document, undefined, 2)}\n`, { mode: 0o600 });
  await rename(temporary, file);
  return parsed.data;
}

/** The first address of this host that others can reach. */
function ownAddress(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const outside = addresses.filter(({ internal, address }) => !internal && !address.startsWith('fe80'));
  const found = outside.find(({ family }) => family === 'IPv4') ?? outside[0];
  if (found === undefined) {
    throw new Error('this host has no address but loopback; choose one: npm start -- --public-address NAME');
  }
  return found.address;
}

/** Name servers of this host, but not a local resolver, which devices could not reach. */
async function hostNameServers(): Promise<string[]> {
  const text = await readFile('/etc/resolv.conf', 'utf8').catch(() => '');
  const servers = [...text.matchAll(/^nameserver\s+(\S+)/gm)].flatMap(([, server]) => server ?? []);
  return servers
    .filter((server) => isAddress(server) && !server.startsWith('127.') && server !== '::1')
    .slice(0, 3);
}

async function makeFirstUser(file: string): Promise<string | undefined> {
  const exists = await access(file).then(
    () => true,
    () => false,
  );
  if (exists) return undefined;
  const password = Array.from({ length: 4 }, group).join('-');
  const result = await setPassword(file, firstUser, password);
  if (!result.ok) throw new Error(`${file}: ${result.message}`);
  return password;
}

/** Five characters, 25 bits. */
function group(): string {
  return Array.from({ length: 5 }, () => passwordAlphabet[randomInt(passwordAlphabet.length)]).join('');
}

/** The line that connects a device, as the user types it. */
export function connectLine({ publicAddress, port, user, authorityFile }: Prepared): string {
  const host = isIP(publicAddress) === 6 ? `[${publicAddress}]` : publicAddress;
  const place = port === 443 ? host : `${host}:${port}`;
  return `openconnect --cafile ${authorityFile} --user ${user} https://${place}`;
}
