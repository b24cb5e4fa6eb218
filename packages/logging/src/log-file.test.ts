import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LogFile, logFilePath } from './log-file.ts';

const tag = 'mstunnel-server';
const newDirectory = () => join(mkdtempSync(join(tmpdir(), 'culvert-log-')), 'log');
/** Every line of a directory, oldest first. */
const linesOf = (directory: string) =>
  readdirSync(directory)
    .sort((a, b) => b.localeCompare(a, 'en', { numeric: true }))
    .sort((a, b) => Number(a === `${tag}.jsonl`) - Number(b === `${tag}.jsonl`))
    .flatMap((name) => readFileSync(join(directory, name), 'utf8').split('\n').slice(0, -1));

test('a log has a bounded size, whatever is written, and what is kept are the newest lines in their order', () => {
  const limits = { fileBytes: 200, files: 3 };
  fc.assert(
    fc.property(fc.array(fc.nat(150), { minLength: 1, maxLength: 60 }), (lengths) => {
      const directory = newDirectory();
      const file = new LogFile(directory, tag, limits);
      const written = lengths.map((length, index) => `${index} ${'x'.repeat(length)}`);
      for (const line of written) file.write(line, 0);
      file.close();
      const names = readdirSync(directory);
      expect(names.length).toBeLessThanOrEqual(limits.files);
      for (const name of names) expect(statSync(join(directory, name)).size).toBeLessThanOrEqual(200);
      const kept = linesOf(directory);
      expect(kept).toEqual(written.slice(-kept.length));
      if (kept.length < written.length) expect(names).toHaveLength(limits.files);
      rmSync(directory, { recursive: true });
    }),
    { numRuns: 50 },
  );
});

test('two processes of one tag, as when one takes over from the other, keep every line and the bounds', () => {
  const directory = newDirectory();
  const [before, after] = [1, 2].map(() => new LogFile(directory, tag, { fileBytes: 100, files: 100 }));
  const written: string[] = [];
  for (let index = 0; index < 100; index += 1) {
    written.push(`line ${index}`);
    (index % 3 === 0 ? before : after)?.write(`line ${index}`, 0);
  }
  expect(linesOf(directory).sort()).toEqual(written.sort());
});

test('a log goes on in the file that is there, and is not for everybody', () => {
  const directory = newDirectory();
  new LogFile(directory, tag).write('first', 0);
  new LogFile(directory, tag).write('second', 0);
  expect(readFileSync(logFilePath(directory, tag), 'utf8')).toBe('first\nsecond\n');
  expect(statSync(logFilePath(directory, tag)).mode & 0o777).toBe(0o640);
});

test('lines that cannot be written are counted in the file when it can be written again', () => {
  const directory = newDirectory();
  const inTheWay = logFilePath(directory, tag);
  mkdirSync(inTheWay, { recursive: true });
  const file = new LogFile(directory, tag);
  file.write('lost', 0);
  file.write('lost as well', 1);
  rmSync(inTheWay, { recursive: true });
  file.write('lost still: it is tried again after a second', 999);
  file.write('written', 1000);
  const [note, line] = readFileSync(inTheWay, 'utf8').split('\n');
  expect(JSON.parse(note ?? '')).toMatchObject({
    level: 'warn',
    tag,
    lines: 3,
    time: '1970-01-01T00:00:01.000Z',
  });
  expect(line).toBe('written');
});

test('a directory that is a file is no reason to fail', () => {
  const path = join(mkdtempSync(join(tmpdir(), 'culvert-log-')), 'log');
  writeFileSync(path, '');
  expect(() => new LogFile(path, tag).write('line', 0)).not.toThrow();
});
