import { createHash } from 'node:crypto';
import { appendFileSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DownloadsDirectory } from './directory.ts';

let path: string;
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'culvert-downloads-'));
});
afterEach(() => rmSync(path, { recursive: true }));

test('a file is read once, however often and by however many the list is asked for', async () => {
  const file = join(path, 'images.tar');
  const writtenAt = new Date('2026-11-24T09:00:00Z');
  const write = (content: string) => {
    writeFileSync(file, content);
    utimesSync(file, writtenAt, writtenAt);
  };
  write('first');
  const downloads = new DownloadsDirectory(path, ['images.tar']);
  const lists = await Promise.all(Array.from({ length: 5 }, () => downloads.list()));
  // Nobody looks again as long as the file has the same size and time.
  write('other');
  lists.push(await downloads.list());
  const digest = createHash('sha256').update('first').digest('hex');
  expect(lists).toEqual(Array(6).fill([{ name: 'images.tar', sizeInBytes: 5, sha256: digest }]));
});

test('a file that grows while it is read has no digest, and has one afterwards', async () => {
  const file = join(path, 'images.tar');
  writeFileSync(file, Buffer.alloc(32 << 20));
  const downloads = new DownloadsDirectory(path, ['images.tar']);
  const during = downloads.list();
  const outcome = during.then(
    () => 'listed',
    (error: Error) => error.message,
  );
  const growing = setInterval(() => appendFileSync(file, 'more'), 1);
  expect(await outcome).toMatch(/images\.tar is being replaced/);
  clearInterval(growing);
  expect(await downloads.list()).toHaveLength(1);
});

test('a directory that is not there has no downloads', async () => {
  expect(await new DownloadsDirectory(join(path, 'none'), ['mst-cli']).list()).toEqual([]);
});
