import { mkdtempSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SecretBox } from './secret-box.ts';
import { loadSecretsKey } from './secrets-key.ts';

const key = Buffer.alloc(32, 7);
const directory = () => mkdtempSync(join(tmpdir(), 'culvert-secrets-'));

test('a sealed secret opens again, at its place only', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string(), fc.string(), (secret, place, other) => {
      const box = new SecretBox(key);
      const sealed = box.seal(secret, place);
      expect(box.open(sealed, place)).toBe(secret.toWellFormed());
      if (other !== place) expect(() => box.open(sealed, other)).toThrow('does not open');
    }),
  );
});

test('a sealed secret that was changed, or of another key, does not open', () => {
  const sealed = new SecretBox(key).seal('client secret', 'upstream');
  expect(() => new SecretBox(Buffer.alloc(32, 8)).open(sealed, 'upstream')).toThrow('another key');
  const flipped = sealed.slice(0, -2) + (sealed.endsWith('AA') ? 'BB' : 'AA');
  expect(() => new SecretBox(key).open(flipped, 'upstream')).toThrow('changed');
  for (const text of ['', 'v1.', 'v1.AAAA', 'plain text', `v2${sealed.slice(2)}`]) {
    expect(() => new SecretBox(key).open(text, 'upstream')).toThrow('not a sealed secret');
  }
});

test('the same secret never looks the same twice', () => {
  const box = new SecretBox(key);
  expect(box.seal('x', 'p')).not.toBe(box.seal('x', 'p'));
});

test('starts at the same time agree on one key, which only its owner can read', async () => {
  const stateDirectory = directory();
  const made = await Promise.all([1, 2, 3].map(() => loadSecretsKey({ stateDirectory }, {})));
  const again = await loadSecretsKey({ stateDirectory }, {});
  expect(made.every((one) => one.equals(again))).toBe(true);
  expect(statSync(join(stateDirectory, 'secrets.key')).mode & 0o777).toBe(0o600);
});

test('a configured file comes before the environment, and that before a systemd credential', async () => {
  const stateDirectory = directory();
  const write = (name: string, byte: number) => {
    const file = join(stateDirectory, name);
    writeFileSync(file, Buffer.alloc(32, byte).toString('base64'));
    return file;
  };
  const secretsKeyFile = write('file', 1);
  write('culvert-secrets-key', 3);
  const environment = {
    CULVERT_SECRETS_KEY: Buffer.alloc(32, 2).toString('base64'),
    CREDENTIALS_DIRECTORY: stateDirectory,
  };
  expect((await loadSecretsKey({ secretsKeyFile, stateDirectory }, environment))[0]).toBe(1);
  expect((await loadSecretsKey({ stateDirectory }, environment))[0]).toBe(2);
  expect((await loadSecretsKey({ stateDirectory }, { CREDENTIALS_DIRECTORY: stateDirectory }))[0]).toBe(3);
});

test('a key that is missing or not 32 bytes is refused with the way to make one', async () => {
  const stateDirectory = directory();
  const file = join(stateDirectory, 'short');
  writeFileSync(file, 'AAAA');
  await expect(loadSecretsKey({ secretsKeyFile: file, stateDirectory }, {})).rejects.toThrow(
    'openssl rand -base64 32',
  );
  await expect(loadSecretsKey({ stateDirectory }, { CULVERT_SECRETS_KEY: 'x' })).rejects.toThrow(
    'CULVERT_SECRETS_KEY',
  );
  await expect(
    loadSecretsKey({ secretsKeyFile: join(stateDirectory, 'none'), stateDirectory }, {}),
  ).rejects.toThrow('does not exist');
});
