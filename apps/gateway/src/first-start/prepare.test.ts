import { mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { connectLine, prepareFirstStart } from './prepare.ts';

const choices = { publicAddress: 'vpn.example.com', port: 8443 };
/** A host whose routes lead nowhere. */
const noRoutes = async () => '[]';
const prepare = (directory: string, chosen: Parameters<typeof prepareFirstStart>[1] = choices) =>
  prepareFirstStart(directory, chosen, noRoutes);
const newDirectory = () => join(mkdtempSync(join(tmpdir(), 'culvert-')), 'state');

/** Every file below a directory with its content. */
function contents(directory: string): Record<string, string> {
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) =>
    statSync(join(directory, name)).isFile(),
  );
  return Object.fromEntries(files.map((name) => [name, readFileSync(join(directory, name), 'utf8')]));
}

test('the first start makes everything, the second keeps every byte and shows the same without the password', async () => {
  const directory = newDirectory();
  const first = await prepare(directory);
  expect(first).toMatchObject({ publicAddress: 'vpn.example.com', port: 8443, user: 'first-user' });
  expect(first.password).toMatch(/^([a-z2-9]{5}-){3}[a-z2-9]{5}$/);
  expect(connectLine(first)).toContain('--user first-user https://vpn.example.com:8443');
  const made = contents(directory);
  expect(Object.keys(made)).toEqual(expect.arrayContaining(['gateway.json', 'users', 'tls/site.crt']));
  expect(JSON.stringify(made)).not.toContain(first.password);
  for (const again of [{}, choices]) {
    expect(await prepare(directory, again)).toEqual({ ...first, password: undefined });
    expect(contents(directory)).toEqual(made);
  }
});

test('another address or port than that of the first start is refused with the field and the remedy', async () => {
  const directory = newDirectory();
  await prepare(directory);
  const made = contents(directory);
  await expect(prepare(directory, { publicAddress: 'other.example.com' })).rejects.toThrow(
    /gateway\.json is there already, with the public address vpn\.example\.com; change it there/,
  );
  await expect(prepare(directory, { port: 443 })).rejects.toThrow(/with the port 8443; change it there/);
  expect(contents(directory)).toEqual(made);
});

test('a configuration that is broken is left as it is', async () => {
  const directory = newDirectory();
  const { configurationFile } = await prepare(directory);
  writeFileSync(configurationFile, '{');
  await expect(prepare(directory)).rejects.toThrow(/check --config/);
  expect(readFileSync(configurationFile, 'utf8')).toBe('{');
});
