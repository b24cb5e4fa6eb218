import { readFile, rename, writeFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import {
  describeFinding,
  type ServerConfiguration,
  type StandaloneConfiguration,
  standaloneConfigurationSchema,
  validateDocument,
} from '@culvert/contracts';

/** What a site says about its gateway. */
export interface GatewaySettings {
  publicAddress: string;
  serverConfiguration: ServerConfiguration;
}

/** The file of the gateway on this host: as it was written, and what it means. */
export interface GatewayFile {
  document: Record<string, unknown>;
  configuration: StandaloneConfiguration;
}

/** Reads the file. Throws an error that names every mistake. */
export async function readGatewayFile(file: string): Promise<GatewayFile> {
  const document: unknown = JSON.parse(await readFile(file, 'utf8'));
  const validated = validateDocument(standaloneConfigurationSchema, document);
  if (!validated.ok) throw new Error(`${file}: ${validated.problems.map(describeFinding).join('; ')}`);
  return { document: document as Record<string, unknown>, configuration: validated.value };
}

/** The document with the settings of its site, everything else as it was; undefined when they are in it already. */
export function withSettings(
  { document, configuration }: GatewayFile,
  settings: GatewaySettings,
): Record<string, unknown> | undefined {
  const { publicAddress, serverConfiguration } = configuration;
  if (isDeepStrictEqual({ publicAddress, serverConfiguration }, { ...settings })) return undefined;
  return { ...document, ...settings };
}

/** Replaces the file so that a reader sees the old one or the new one, and a power cut leaves one of them. */
export async function writeGatewayFile(file: string, document: Record<string, unknown>): Promise<void> {
  const draft = `${file}.new`;
  await writeFile(draft, `${JSON.stringify(document, undefined, 2)}\n`, { mode: 0o600, flush: true });
  await rename(draft, file);
}
