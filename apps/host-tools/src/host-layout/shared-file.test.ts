import { spawnSync } from 'node:child_process';
import {
  chownSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readSharedFile, writeSharedFile } from './shared-file.ts';

let directory: string;
let file: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'shared-'));
  file = join(directory, 'file');
});
afterEach(() => rmSync(directory, { recursive: true }));

test('a plain file is read, and none is none', () => {
  expect(readSharedFile(file)).toBeUndefined();
  writeFileSync(file, 'text');
  expect(readSharedFile(file)).toBe('text');
});

test('a link is not followed, so that a container cannot have a file of the host read', () => {
  symlinkSync('/etc/passwd', file);
  expect(() => readSharedFile(file)).toThrow(`${file} is not read: it is a link.`);
});

test('a pipe does not hold up its reader, and is refused as a directory is', () => {
  spawnSync('mkfifo', [file]);
  expect(() => readSharedFile(file)).toThrow('it is no plain file');
  expect(() => readSharedFile(directory)).toThrow('it is no plain file');
});

test('a file that is too large is refused', () => {
  writeFileSync(file, Buffer.alloc((1 << 20) + 1));
  expect(() => readSharedFile(file)).toThrow('it is no plain file of a usual size');
});

test.runIf(process.getuid?.() === 0)(
  'a file that must be of root is refused when another user owns it',
  () => {
    writeFileSync(file, 'text');
    chownSync(file, 12345, 0);
    expect(readSharedFile(file)).toBe('text');
    expect(() => readSharedFile(file, { isOfRoot: true })).toThrow(`chown root ${file}`);
  },
);

test('a link is replaced by what is written, and the file that it names stays as it is', () => {
  const other = join(directory, 'other');
  writeFileSync(other, 'other');
  symlinkSync(other, file);
  writeSharedFile(file, 'new', 0o640);
  expect([readFileSync(other, 'utf8'), readSharedFile(file)]).toEqual(['other', 'new']);
  expect(statSync(file).mode & 0o777).toBe(0o640);
  expect(readdirSync(directory).toSorted()).toEqual(['file', 'other']);
});

test('nothing is left over when a file cannot be replaced', () => {
  expect(() => writeSharedFile(directory, 'text', 0o600)).toThrow();
  expect(readdirSync(directory)).toEqual([]);
});
