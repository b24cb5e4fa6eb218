import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { requireSharedDirectory } from './shared-directory.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'culvert-shared-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const write = (text: string) => writeFileSync(join(directory, 'gateway.json'), text);

test('a gateway that keeps its state in the directory of the server is good, however that is written', () => {
  for (const stateDirectory of ['.', './', directory]) {
    write(JSON.stringify({ stateDirectory }));
    expect(() => requireSharedDirectory(directory)).not.toThrow();
  }
});

test('a gateway that keeps its state elsewhere is refused with the field and the remedy', () => {
  write(JSON.stringify({ stateDirectory: '/var/lib/elsewhere' }));
  expect(() => requireSharedDirectory(directory)).toThrow(
    /gateway\.json: stateDirectory: found "\/var\/lib\/elsewhere"; must be "\."/,
  );
});

test('a file that is missing or damaged is left to the gateway', () => {
  expect(() => requireSharedDirectory(directory)).not.toThrow();
  write('{');
  expect(() => requireSharedDirectory(directory)).not.toThrow();
});
