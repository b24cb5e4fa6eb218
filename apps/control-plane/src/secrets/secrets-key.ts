import { randomBytes, randomUUID } from 'node:crypto';
import { link, mkdir, readFile, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigurationError } from '../configuration/load.ts';

/** AES-256. */
const keyBytes = 32;

export interface SecretsKeyPlaces {
  secretsKeyFile?: string | undefined;
  stateDirectory: string;
}

/**
 * The key that encrypts secrets in the database: from the configured file, the environment variable
 * CULVERT_SECRETS_KEY, the systemd credential `culvert-secrets-key`, or a file in the state directory that is made at the
 * first start. Replicas on one database need the same key.
 */
export async function loadSecretsKey(
  places: SecretsKeyPlaces,
  environment: NodeJS.ProcessEnv,
): Promise<Buffer> {
  return (await presentSecretsKey(places, environment)) ?? makeKeyFile(places.stateDirectory);
}

/** The same key, or undefined when no start has made one yet. */
export async function presentSecretsKey(
  { secretsKeyFile, stateDirectory }: SecretsKeyPlaces,
  environment: NodeJS.ProcessEnv,
): Promise<Buffer | undefined> {
  if (secretsKeyFile !== undefined) return readKey(secretsKeyFile, 'secretsKeyFile');
  const { CULVERT_SECRETS_KEY, CREDENTIALS_DIRECTORY } = environment;
  if (CULVERT_SECRETS_KEY !== undefined) return parseKey(CULVERT_SECRETS_KEY, 'CULVERT_SECRETS_KEY');
  if (CREDENTIALS_DIRECTORY !== undefined) {
    const file = join(CREDENTIALS_DIRECTORY, 'culvert-secrets-key');
    const key = await unlessMissing(readKey(file, 'the systemd credential'));
    if (key !== undefined) return key;
  }
  return unlessMissing(readKey(keyFileIn(stateDirectory), 'the key of the state directory'));
}

const keyFileIn = (stateDirectory: string) => join(stateDirectory, 'secrets.key');

function unlessMissing(key: Promise<Buffer>): Promise<Buffer | undefined> {
  return key.catch((error: unknown) => {
    if (error instanceof MissingKey) return undefined;
    throw error;
  });
}

class MissingKey extends ConfigurationError {}

async function readKey(file: string, name: string): Promise<Buffer> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw new MissingKey(`${name}: ${file} does not exist`);
    throw new ConfigurationError(`${name}: ${file} cannot be read (${error.code})`);
  });
  return parseKey(text, `${name}: ${file}`);
}

function parseKey(text: string, name: string): Buffer {
  const key = Buffer.from(text.trim(), 'base64');
  if (key.length !== keyBytes) {
    throw new ConfigurationError(
      `${name}: expected 32 bytes in base64; make one with: openssl rand -base64 32`,
    );
  }
  return key;
}

async function makeKeyFile(stateDirectory: string): Promise<Buffer> {
  const file = keyFileIn(stateDirectory);
  await mkdir(stateDirectory, { recursive: true, mode: 0o700 });
  const draft = `${file}.${randomUUID()}`;
  await writeFile(draft, `${randomBytes(keyBytes).toString('base64')}\n`, { mode: 0o600, flush: true });
  try {
    // Linking fails when another process was first, and never shows a half-written key.
    await link(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await unlink(draft);
  }
  return readKey(file, 'the key of the state directory');
}
