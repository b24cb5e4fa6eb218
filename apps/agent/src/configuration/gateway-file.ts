import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import {
  type DesiredConfiguration,
  describeFinding,
  type StandaloneConfiguration,
  standaloneConfigurationSchema,
  validateDocument,
} from '@culvert/contracts';
import { readIfThere, writeDurably } from '../files/durable-file.ts';

/** What a site says about its gateways. */
export type GatewaySettings = Pick<DesiredConfiguration, 'publicAddress' | 'serverConfiguration'>;

/** The file of the gateway on this host: as it was written, and what it means. */
export interface GatewayFile {
  document: Record<string, unknown>;
  configuration: StandaloneConfiguration;
}

/** Reads the file. Throws an error that names every mistake. */
export async function readGatewayFile(file: string): Promise<GatewayFile> {
  const document = parse(file, await readFile(file, 'utf8'));
  return { document, configuration: understand(file, document) };
}

/** The document with the settings of its site, and everything else as the administrator of the host has written it. */
export function withSettings(
  document: Record<string, unknown>,
  { publicAddress, serverConfiguration }: GatewaySettings,
): Record<string, unknown> {
  return { ...document, publicAddress, serverConfiguration };
}

/** What stands in the file about the site. */
export function settingsOf({ configuration }: GatewayFile): GatewaySettings {
  const { publicAddress, serverConfiguration } = configuration;
  return { publicAddress, serverConfiguration };
}

export function isSame(left: GatewaySettings, right: GatewaySettings): boolean {
  const { publicAddress, serverConfiguration } = right;
  return isDeepStrictEqual(
    { publicAddress: left.publicAddress, serverConfiguration: left.serverConfiguration },
    { publicAddress, serverConfiguration },
  );
}

/**
 * Puts the settings of a site into the file, at once or not at all. Rejects with an error that names every mistake, before
 * anything is written, when the gateway could not start with the outcome.
 */
export async function writeSettings(file: string, settings: GatewaySettings): Promise<void> {
  const document = withSettings(parse(file, await readFile(file, 'utf8')), settings);
  understand(file, document);
  await writeDurably(file, `${JSON.stringify(document, undefined, 2)}\n`);
}

/** What an installed server has beside the settings of its site: files that its setup and its administrator bring. */
const installed = {
  // One file with chain and key, so that both are replaced in the same moment.
  tls: { certificateFile: 'private/gateway-active.pem', privateKeyFile: 'private/gateway-active.pem' },
  authentication: [{ kind: 'passwordFile', file: 'users' }],
  stateDirectory: '.',
};

/** Writes the file of a server that has none yet, and an empty file of users beside it. Rejects when the gateway could not start with it. */
export async function createGatewayFile(
  file: string,
  { publicAddress, serverConfiguration }: GatewaySettings,
): Promise<void> {
  const document = { publicAddress, serverConfiguration, ...installed };
  understand(file, document);
  const users = join(dirname(file), 'users');
  if ((await readIfThere(users)) === undefined) await writeDurably(users, '');
  await writeDurably(file, `${JSON.stringify(document, undefined, 2)}\n`);
}

function parse(file: string, text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
  } catch (error) {
    throw new Error(`${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
  throw new Error(`${file}: expected a JSON object`);
}

function understand(file: string, document: Record<string, unknown>): StandaloneConfiguration {
  const validated = validateDocument(standaloneConfigurationSchema, document);
  if (validated.ok) return validated.value;
  throw new Error(`${file}: ${validated.problems.map(describeFinding).join('; ')}`);
}
