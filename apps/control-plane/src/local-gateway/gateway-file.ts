import { readFile } from 'node:fs/promises';
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

/** Reads the file of the gateway on this host. Throws an error that names every mistake. */
export async function readGatewayFile(file: string): Promise<StandaloneConfiguration> {
  const document: unknown = JSON.parse(await readFile(file, 'utf8'));
  const validated = validateDocument(standaloneConfigurationSchema, document);
  if (!validated.ok) throw new Error(`${file}: ${validated.problems.map(describeFinding).join('; ')}`);
  return validated.value;
}
