import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { describeFinding, validateDocument } from '@culvert/contracts';
import {
  type ControlPlaneConfiguration,
  controlPlaneConfigurationSchema,
} from './control-plane-configuration.ts';

/** A configuration that cannot be used; the message names every mistake with its field and remedy, one a line. */
export class ConfigurationError extends Error {}

/** Reads the configuration file of a control plane. Throws a ConfigurationError that tells everything at once. */
export async function loadConfiguration(file: string): Promise<ControlPlaneConfiguration> {
  const absolute = resolve(file);
  const validated = validateDocument(controlPlaneConfigurationSchema, parse(absolute, await read(absolute)));
  if (!validated.ok) {
    const lines = validated.problems.map((problem) => `  ${describeFinding(problem)}`);
    throw new ConfigurationError(`${absolute} cannot be used:\n${lines.join('\n')}`);
  }
  return resolvePaths(validated.value, dirname(absolute));
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason = code === 'ENOENT' ? 'does not exist' : `cannot be read (${code})`;
    throw new ConfigurationError(`${file} ${reason}; name the configuration file with --config FILE`);
  }
}

function parse(file: string, text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    throw new ConfigurationError(`${file} is not JSON: ${error instanceof Error ? error.message : error}`);
  }
}

function resolvePaths(configuration: ControlPlaneConfiguration, base: string): ControlPlaneConfiguration {
  const { database, stateDirectory, downloadsDirectory, tls, secretsKeyFile } = configuration;
  const absolute = (file: string) => resolve(base, file);
  return {
    ...configuration,
    database: database.startsWith('sqlite:') ? `sqlite:${absolute(database.slice(7))}` : database,
    stateDirectory: absolute(stateDirectory),
    downloadsDirectory: absolute(downloadsDirectory),
    ...(tls === undefined ? {} : { tls: resolveTls(tls, absolute) }),
    ...(secretsKeyFile === undefined ? {} : { secretsKeyFile: absolute(secretsKeyFile) }),
  };
}

type Tls = NonNullable<ControlPlaneConfiguration['tls']>;

function resolveTls(tls: Tls, absolute: (file: string) => string): Tls {
  if ('certificateFile' in tls) {
    return { certificateFile: absolute(tls.certificateFile), privateKeyFile: absolute(tls.privateKeyFile) };
  }
  const { pfxFile, pfxPasswordFile } = tls;
  return {
    pfxFile: absolute(pfxFile),
    ...(pfxPasswordFile === undefined ? {} : { pfxPasswordFile: absolute(pfxPasswordFile) }),
  };
}
