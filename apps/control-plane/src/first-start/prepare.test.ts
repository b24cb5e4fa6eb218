import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadConfiguration } from '../configuration/load.ts';
import { firstConfiguration, prepareFirstStart } from './prepare.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'culvert-first-start-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test('the first start makes a configuration that is valid and that only root reads', async () => {
  const file = await prepareFirstStart(directory, {}, 443);
  expect(await loadConfiguration(file)).toMatchObject({
    listen: { address: '127.0.0.1', port: 8443 },
    publicUrl: 'https://localhost:8443',
    database: `sqlite:${directory}/control-plane/control.db`,
    stateDirectory: `${directory}/control-plane`,
  });
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test('a later start keeps what the first one made', async () => {
  const file = await prepareFirstStart(directory, { publicUrl: 'https://admin.example.com' }, 443);
  const first = readFileSync(file, 'utf8');
  await prepareFirstStart(directory, {}, 8443);
  await prepareFirstStart(directory, { publicUrl: 'https://admin.example.com' }, 8443);
  expect(readFileSync(file, 'utf8')).toBe(first);
});

test('another public URL than that of the first start is refused, with the file to change', async () => {
  const file = await prepareFirstStart(directory, {}, 443);
  await expect(prepareFirstStart(directory, { publicUrl: 'https://other.example.com' }, 443)).rejects.toThrow(
    `${file} is there already, with the public URL https://localhost:8443`,
  );
});

test('a public URL that cannot be one is refused, and the next start is a first one', async () => {
  await expect(prepareFirstStart(directory, { publicUrl: 'http://x' }, 443)).rejects.toThrow('publicUrl: ');
  const file = await prepareFirstStart(directory, { publicUrl: 'https://admin.example.com' }, 443);
  expect((await loadConfiguration(file)).publicUrl).toBe('https://admin.example.com');
});

test.each([
  [undefined, 8443, { listen: { address: '127.0.0.1', port: 9443 }, publicUrl: 'https://localhost:9443' }],
  ['https://localhost:7000', 443, { listen: { address: '127.0.0.1', port: 7000 } }],
  ['https://admin.example.com', 443, { listen: { address: '::', port: 443 } }],
  [undefined, 8444, { agents: { listen: { port: 9444 } } }],
  ['https://admin.example.com:8444', 9444, { agents: { listen: { port: 10_444 } } }],
  ['https://admin.example.com:8443', 443, { listen: { address: '::', port: 8443 } }],
])('the public URL %s beside a gateway on port %d gives a fitting listener', (url, port, expected) => {
  expect(firstConfiguration(url, port)).toMatchObject(expected);
});
