import { mkdtempSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { Journal, journalHead, journalLine } from './journal.ts';
import { logLine } from './log-line.ts';

const path = join(mkdtempSync(join(tmpdir(), 'culvert-journal-')), 'stdout');
const lineOf = (level: string, msg: string) =>
  logLine(JSON.stringify({ time: '2026-11-25T00:00:00.000Z', level, tag: 'mstunnel-agent', msg }));
const open: Server[] = [];

afterEach(() => {
  for (const server of open.splice(0)) server.close();
});

/** A journal that keeps what it is sent; `next` is the next stream with all its bytes, after it has ended. */
async function startJournal() {
  const streams: PromiseWithResolvers<string>[] = [];
  const connections: Socket[] = [];
  const server = createServer((socket) => {
    connections.push(socket);
    const stream = Promise.withResolvers<string>();
    streams.push(stream);
    let received = '';
    socket.on('data', (bytes) => {
      received += bytes;
      for (const resolve of waiting.splice(0)) resolve();
    });
    socket.on('close', () => stream.resolve(received));
  });
  const waiting: (() => void)[] = [];
  open.push(server);
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return {
    streams,
    /** Resolves when something has come. */
    heard: () => new Promise<void>((resolve) => waiting.push(resolve)),
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const connection of connections) connection.destroy();
      await closed;
    },
  };
}

test('a stream begins with its head, and each line has its level in front', async () => {
  const server = await startJournal();
  const journal = new Journal('mstunnel-agent', path);
  journal.write(lineOf('error', 'one'), 0);
  journal.write(lineOf('info', 'two'), 0);
  journal.write(lineOf('trace', 'three\n<0>not a line'), 0);
  await server.heard();
  await journal.close();
  expect(await server.streams[0]?.promise).toBe(
    'mstunnel-agent\n\n6\n1\n0\n0\n0\n' +
      '<3>{"time":"2026-11-25T00:00:00.000Z","level":"error","tag":"mstunnel-agent","msg":"one"}\n' +
      '<6>{"time":"2026-11-25T00:00:00.000Z","level":"info","tag":"mstunnel-agent","msg":"two"}\n' +
      '<7>{"time":"2026-11-25T00:00:00.000Z","level":"trace","tag":"mstunnel-agent","msg":"three\\n<0>not a line"}\n',
  );
});

test('a journal that is away is no fault, and lines reach it when it is back', async () => {
  const journal = new Journal('mstunnel-agent', path);
  journal.write(lineOf('info', 'nobody hears this'), 0);
  await journal.close();
  const first = await startJournal();
  journal.write(lineOf('info', 'too early for another try'), 4999);
  expect(first.streams).toHaveLength(0);
  journal.write(lineOf('info', 'first'), 5000);
  await first.heard();
  await first.stop();
  expect(await first.streams[0]?.promise).toContain('first');
  const second = await startJournal();
  // The end of the stream reaches us at some later turn of the loop.
  while (second.streams.length === 0) {
    journal.write(lineOf('info', 'second'), 10_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await journal.close();
  expect(await second.streams[0]?.promise).toContain(`${journalHead('mstunnel-agent')}<6>`);
});

test('a line that is longer than the journal takes is cut, and stays one line', () => {
  const bytes = journalLine(lineOf('warn', '東'.repeat(100_000)));
  expect(bytes.length).toBeLessThanOrEqual(48 * 1024);
  expect(bytes.indexOf('\n')).toBe(bytes.length - 1);
});
