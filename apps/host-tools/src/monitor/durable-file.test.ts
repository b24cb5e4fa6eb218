import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readIfThere, writeDurably } from './durable-file.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'durable-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const file = () => join(directory, 'state.json');

test('a file is replaced as a whole, for its own user only', () => {
  expect(readIfThere(file())).toBeUndefined();
  writeDurably(file(), 'before');
  writeDurably(file(), 'after');
  expect([readIfThere(file()), statSync(file()).mode & 0o777]).toEqual(['after', 0o600]);
});

test('a file stays what it was when there is room for a part of the next one only', () => {
  writeDurably(file(), 'before');
  const module = JSON.stringify(join(import.meta.dirname, 'durable-file.ts'));
  const program = `import { writeDurably } from ${module}; writeDurably(process.argv[1], 'x'.repeat(5_000_000));`;
  // A limit for the size of files is met in the middle of a write, as the end of a disk is.
  const { status } = spawnSync(
    '/bin/sh',
    ['-c', 'ulimit -f 2000; exec "$@"', 'sh', process.execPath, '--input-type=module', '-e', program, file()],
    { stdio: 'ignore' },
  );
  expect(status).not.toBe(0);
  expect(readFileSync(file(), 'utf8')).toBe('before');
});
