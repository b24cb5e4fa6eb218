import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { createLogger } from '@culvert/logging/create-logger.ts';
import fc from 'fast-check';
import { pino } from 'pino';
import tar from 'tar-stream';
import { expect, test } from 'vitest';
import { type Manifest, writeArchive } from './archive.ts';
import { backOffMilliseconds, type CollectOrder, createLogCollector } from './collector.ts';
import type { UploadTarget } from './upload.ts';

const order: CollectOrder = {
  kind: 'collectLogs',
  collection: '01a20c00-0000-7000-8000-000000000001',
  start: '2026-11-25T00:00:00.000Z',
  end: '2099-01-01T00:00:00.000Z',
};

/** A control plane that keeps what it is sent; `fails` may fail a request, or let the answer be lost. */
class ControlPlane implements UploadTarget {
  archive = Buffer.alloc(0);
  end: { outcome: string; sha256?: string; reason?: string } | undefined;
  requests = 0;
  fails: (method: string, path: string) => 'before' | 'after' | undefined = () => undefined;
  changesBytes = false;

  async send(method: string, path: string, body?: Buffer | string): Promise<string> {
    this.requests += 1;
    const failure = this.fails(method, path);
    if (failure === 'before') throw new Error('nobody answers');
    const answer = this.#take(method, path, body);
    if (failure === 'after') throw new Error('the answer was lost');
    return answer;
  }

  #take(method: string, path: string, body?: Buffer | string): string {
    const [, position] = /\/pieces\/(\d+)$/.exec(path) ?? [];
    if (method === 'PUT' && Number(position) === this.archive.length) {
      this.archive = Buffer.concat([
        this.archive,
        this.changesBytes ? Buffer.alloc(body?.length ?? 0) : Buffer.from(body ?? ''),
      ]);
    }
    if (method === 'POST') {
      this.end = JSON.parse(String(body));
      const sha256 = createHash('sha256').update(this.archive).digest('hex');
      if (this.end?.outcome === 'completed' && sha256 !== this.end.sha256) this.archive = Buffer.alloc(0);
    }
    return JSON.stringify({ receivedBytes: this.archive.length });
  }
}

function newHost(target: UploadTarget = new ControlPlane()) {
  const directory = mkdtempSync(join(tmpdir(), 'culvert-agent-logs-'));
  const logDirectory = join(directory, 'log');
  const spoolDirectory = join(directory, 'spool');
  mkdirSync(logDirectory);
  const options = {
    logDirectory,
    spoolDirectory,
    target: () => target,
    logger: pino({ level: 'silent' }),
    hostName: 'gw-1',
    versions: () => ({ agent: '1.0.0' }),
    random: () => 0,
  };
  const log = (name: string, ...lines: object[]) =>
    writeFileSync(join(logDirectory, name), lines.map((line) => `${JSON.stringify(line)}\n`).join(''), {
      flag: 'a',
    });
  return { directory, logDirectory, spoolDirectory, log, newCollector: () => createLogCollector(options) };
}

async function open(archive: Buffer): Promise<Record<string, string>> {
  const extract = tar.extract();
  extract.end(gunzipSync(archive));
  const files: Record<string, string> = {};
  for await (const entry of extract) {
    files[entry.header.name] = Buffer.concat(
      await Array.fromAsync(entry as AsyncIterable<Buffer>),
    ).toString();
  }
  return files;
}

const messagesOf = (text = '') =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).msg);

test('secrets that a gateway has logged are not in the archive that an administrator downloads', async () => {
  const secrets = {
    password: 'hunter2-correct-horse',
    cookie: '0123456789abcdef0123456789abcdef',
    apiToken: `culvert_${'Q'.repeat(43)}abcdefg`,
    joinToken: `culvert-join-${'J'.repeat(80)}`,
    bearer: 'eyJhbGciOiJSUzI1NiJ9.c2VjcmV0LWNsYWltcw.c2lnbmF0dXJl',
    key: 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj',
    database: 'p4ssw0rd-of-the-database',
  };
  const pem = `-----BEGIN PRIVATE KEY-----\n${secrets.key}\n-----END PRIVATE KEY-----\n`;
  const controlPlane = new ControlPlane();
  const host = newHost(controlPlane);
  const logger = createLogger({
    tag: 'mstunnel-server',
    directory: host.logDirectory,
    level: 'debug',
    output: new PassThrough() as unknown as NodeJS.WriteStream,
    journalSocket: '/nonexistent',
  });
  logger.debug({ body: `<auth><password>${secrets.password}</password></auth>` }, 'a step of a sign-in');
  logger.debug(
    { headers: { cookie: `webvpn=${secrets.cookie}`, authorization: `Bearer ${secrets.bearer}` } },
    'CONNECT',
  );
  logger.error({ err: new Error(`postgres://culvert:${secrets.database}@db/culvert refuses`) }, 'failed');
  logger.warn(`joined with ${secrets.joinToken} and ${secrets.apiToken}`);
  logger.warn({ tls: { certificate: 'PEM', privateKey: pem } }, pem);
  // Written by programs that do not redact: what collects is the second line of defence.
  writeFileSync(
    join(host.logDirectory, 'engine.log'),
    `{"time":${Date.now()},"level":"info","message":"webvpn=${secrets.cookie}"}\npanic: ${pem}password=${secrets.password}\n`,
  );
  host.log('mstunnel_monitor.jsonl', {
    time: new Date().toISOString(),
    level: 'info',
    msg: `env CULVERT_PASSWORD=${secrets.password}`,
    token: secrets.apiToken,
  });
  host.log('access.jsonl', { time: new Date().toISOString(), event: 'signIn', user: 'alice' });
  const collector = host.newCollector();
  await collector.collect(order);
  await collector.idle();
  const files = await open(controlPlane.archive);
  expect(Object.keys(files)).toEqual([
    'manifest.json',
    'mstunnel-server.jsonl',
    'mstunnel_monitor.jsonl',
    'engine.log',
  ]);
  for (const [kind, secret] of Object.entries(secrets)) {
    expect([kind, JSON.stringify(files).includes(secret)]).toEqual([kind, false]);
  }
  expect(messagesOf(files['mstunnel-server.jsonl'])).toContain('a step of a sign-in');
  const manifest = JSON.parse(files['manifest.json'] ?? '') as Manifest;
  expect(manifest).toMatchObject({
    hostName: 'gw-1',
    versions: { agent: '1.0.0' },
    start: order.start,
    includeAccessLog: false,
  });
  expect(manifest.logs[0]).toMatchObject({
    name: 'mstunnel-server.jsonl',
    lines: 5,
    levels: { debug: 2, error: 1, warn: 2 },
    leftOutLines: 0,
  });
  expect(readdirSync(host.spoolDirectory)).toEqual([]);
});

test('the archive has the lines of the span from all files of a log, in their order, and the access log when it is asked for', async () => {
  const controlPlane = new ControlPlane();
  const host = newHost(controlPlane);
  const at = (hour: number) => new Date(Date.parse(order.start) + hour * 3_600_000).toISOString();
  const line = (hour: number) => ({ time: at(hour), level: 'info', msg: `hour ${hour}` });
  host.log('mstunnel-agent.2.jsonl', line(-2), line(0));
  host.log('mstunnel-agent.1.jsonl', line(1), line(2));
  host.log('mstunnel-agent.jsonl', line(3), line(4));
  host.log('mstunnel-agent.level.json', { level: 'debug' });
  host.log('access.jsonl', { time: at(1), event: 'signIn', user: 'alice', msg: 'x' });
  const collector = host.newCollector();
  await collector.collect({ ...order, end: at(3), includeAccessLog: true });
  await collector.idle();
  const files = await open(controlPlane.archive);
  expect(Object.keys(files)).toEqual(['manifest.json', 'mstunnel-agent.jsonl', 'access.jsonl']);
  expect(messagesOf(files['mstunnel-agent.jsonl'])).toEqual(['hour 0', 'hour 1', 'hour 2', 'hour 3']);
});

test('of logs that are too long the newest lines are kept, and the manifest says what was left out', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(200), { minLength: 1, maxLength: 60 }),
      fc.integer({ min: 1, max: 5000 }),
      async (lengths, most) => {
        const { directory, logDirectory, log } = newHost();
        const lines = lengths.map((length, index) => ({
          time: order.start,
          level: 'info',
          msg: `${index} ${'x'.repeat(length)}`,
        }));
        log('mstunnel-server.jsonl', ...lines);
        const request = { ...order, includeAccessLog: false, hostName: 'h', versions: {} };
        const file = join(directory, 'archive');
        const { sizeInBytes, sha256 } = await writeArchive(file, logDirectory, request, new Date(), most);
        const archive = readFileSync(file);
        expect([archive.length, createHash('sha256').update(archive).digest('hex')]).toEqual([
          sizeInBytes,
          sha256,
        ]);
        const files = await open(archive);
        const text = files['mstunnel-server.jsonl'] ?? '';
        expect(text.length).toBeLessThanOrEqual(most);
        const kept = text === '' ? [] : messagesOf(text);
        expect(kept).toEqual(lines.map(({ msg }) => msg).slice(lines.length - kept.length));
        const [log1] = (JSON.parse(files['manifest.json'] ?? '') as Manifest).logs;
        expect(log1).toMatchObject({
          lines: kept.length,
          leftOutLines: lines.length - kept.length,
          bytes: text.length,
        });
        rmSync(directory, { recursive: true });
      },
    ),
    { numRuns: 25 },
  );
});

test('an upload goes on from what is there, whatever request or answer is lost, and after a restart', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(undefined, 'before', 'after', 'restart'), { maxLength: 12 }),
      async (events) => {
        const controlPlane = new ControlPlane();
        const host = newHost(controlPlane);
        // Random text, so that the archive has several pieces.
        const noise = () => createHash('sha512').update(String(Math.random())).digest('base64url');
        host.log(
          'mstunnel-server.jsonl',
          ...Array.from({ length: 5000 }, () => ({ time: order.start, level: 'info', msg: noise() })),
        );
        const left = [...events];
        let collector = host.newCollector();
        let restart: Promise<void> | undefined;
        controlPlane.fails = () => {
          const event = left.shift();
          if (event !== 'restart') return event;
          restart = collector.close();
          return 'after';
        };
        await collector.collect(order);
        for (;;) {
          // Wakes it from its pause until it is done.
          const done = collector.idle().then(() => true);
          while (
            !(await Promise.race([done, new Promise<false>((resolve) => setImmediate(() => resolve(false)))]))
          ) {
            collector.retryNow();
          }
          if (restart === undefined) break;
          await restart;
          restart = undefined;
          collector = host.newCollector();
          await collector.resume();
        }
        expect(controlPlane.end?.sha256).toBe(
          createHash('sha256').update(controlPlane.archive).digest('hex'),
        );
        expect((await open(controlPlane.archive))['mstunnel-server.jsonl']?.split('\n')).toHaveLength(5001);
        expect(readdirSync(host.spoolDirectory)).toEqual([]);
        rmSync(host.directory, { recursive: true });
      },
    ),
    { numRuns: 6 },
  );
});

test('an archive that is gone after a restart is made again', async () => {
  const controlPlane = new ControlPlane();
  const host = newHost(controlPlane);
  controlPlane.fails = (method) => (method === 'PUT' ? 'before' : undefined);
  const collector = host.newCollector();
  await collector.collect(order);
  const archive = join(host.spoolDirectory, `${order.collection}.tar.gz`);
  while (!existsSync(archive)) await new Promise((resolve) => setImmediate(resolve));
  await collector.close();
  rmSync(archive);
  controlPlane.fails = () => undefined;
  const again = host.newCollector();
  await again.resume();
  await again.idle();
  expect(Object.keys(await open(controlPlane.archive))).toEqual(['manifest.json']);
});

test('a collection that nobody waits for is forgotten', async () => {
  const refused = Object.assign(new Error('nobody waits for the logs'), { code: 'invalid' });
  const host = newHost({ send: async () => Promise.reject(refused) });
  const collector = host.newCollector();
  await collector.collect(order);
  await collector.idle();
  expect(readdirSync(host.spoolDirectory)).toEqual([]);
});

test('logs that cannot be read, and archives that arrive changed every time, fail with a reason', async () => {
  const unreadable = new ControlPlane();
  const host = newHost(unreadable);
  rmSync(host.logDirectory, { recursive: true });
  writeFileSync(host.logDirectory, 'no directory');
  const first = host.newCollector();
  await first.collect(order);
  await first.idle();
  expect(unreadable.end).toEqual({ outcome: 'failed', reason: expect.stringContaining('cannot be read') });
  const changing = new ControlPlane();
  changing.changesBytes = true;
  const second = newHost(changing).newCollector();
  await second.collect(order);
  await second.idle();
  expect(changing.end).toEqual({
    outcome: 'failed',
    reason: expect.stringContaining('something on the way'),
  });
});

test('an order whose collection could name another file is refused', async () => {
  const host = newHost();
  await expect(host.newCollector().collect({ ...order, collection: '../../etc/passwd' })).rejects.toThrow();
});

test('tries are a second to five minutes apart, with jitter', () => {
  fc.assert(
    fc.property(fc.nat(10_000), fc.double({ min: 0, max: 1, noNaN: true }), (failures, random) => {
      const wait = backOffMilliseconds(failures, random);
      expect(wait).toBeGreaterThanOrEqual(500);
      expect(wait).toBeLessThanOrEqual(300_000);
    }),
  );
});
