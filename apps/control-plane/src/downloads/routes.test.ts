import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Database, openDatabase } from '../database/open.ts';
import { TestContext, testApplication } from '../testing/application.ts';
import { registerDownloads } from './routes.ts';

const program = Buffer.from('\u007fELF the host tools, in one file');
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

let directory: string;
let database: Database;
let application: FastifyInstance;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'culvert-downloads-'));
  database = openDatabase(`sqlite:${join(directory, 'control.db')}`);
  const context = new TestContext(database);
  const configuration = { ...context.configuration, downloadsDirectory: join(directory, 'downloads') };
  application = await testApplication({ ...context, configuration }, registerDownloads);
});
afterEach(async () => {
  await application.close();
  await database.close();
  rmSync(directory, { recursive: true });
});

/** What `npm run build:host-tools` makes: one executable with several names. */
function build(content = program): void {
  mkdirSync(join(directory, 'new'));
  writeFileSync(join(directory, 'new/mst-cli'), content, { mode: 0o755 });
  for (const name of ['mst-readiness', 'mstunnel-setup', 'mstunnel_monitor'])
    symlinkSync('mst-cli', join(directory, 'new', name));
  rmSync(join(directory, 'downloads'), { recursive: true, force: true });
  renameSync(join(directory, 'new'), join(directory, 'downloads'));
}

const ask = (url: string, headers: Record<string, string> = {}) => application.inject({ url, headers });
const refusal = async (url: string) => {
  const response = await ask(url);
  return [response.statusCode, response.json().error?.message];
};

test('the list tells name, address, size, digest and in both languages what it is, to anybody', async () => {
  build();
  writeFileSync(join(directory, 'downloads/culvert-images.tar'), 'images');
  const response = await ask('/downloads/');
  expect(response.statusCode).toBe(200);
  const { value } = response.json();
  expect(value.map(({ name }: { name: string }) => name)).toEqual([
    'mst-readiness',
    'mstunnel-setup',
    'mst-cli',
    'culvert-images.tar',
  ]);
  expect(value[0]).toEqual({
    name: 'mst-readiness',
    url: 'https://control.test:8443/downloads/mst-readiness',
    sizeInBytes: program.length,
    sha256: sha256(program),
    description: { en: expect.stringContaining('ready'), ja: expect.stringContaining('確認します') },
  });
  expect(value[3]).toMatchObject({ sizeInBytes: 6, sha256: sha256(Buffer.from('images')) });
  expect((await ask('/downloads')).json()).toEqual({ value });
});

test('each name gives the same executable, with its length', async () => {
  build();
  for (const name of ['mst-readiness', 'mstunnel-setup', 'mst-cli']) {
    const response = await ask(`/downloads/${name}`);
    expect(response.statusCode).toBe(200);
    expect(response.rawPayload).toEqual(program);
    expect(response.headers).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-length': String(program.length),
      'accept-ranges': 'bytes',
      'cache-control': 'no-cache',
    });
  }
  const head = await application.inject({ method: 'HEAD', url: '/downloads/mst-cli' });
  expect([head.statusCode, head.headers['content-length']]).toEqual([200, String(program.length)]);
});

test('the digests are as sha256sum takes them', async () => {
  build();
  const response = await ask('/downloads/SHA256SUMS');
  expect(response.headers['content-type']).toBe('text/plain; charset=utf-8');
  const output = execFileSync('sha256sum', ['--check', '--strict', '-'], {
    cwd: join(directory, 'downloads'),
    input: response.body,
    encoding: 'utf8',
  });
  expect(output.split('\n').filter(Boolean)).toEqual([
    'mst-readiness: OK',
    'mstunnel-setup: OK',
    'mst-cli: OK',
  ]);
});

test('a download that was cut off goes on from where it was, and starts over when the file has changed', async () => {
  build();
  const { etag } = (await ask('/downloads/mst-cli')).headers;
  const range = 'bytes=10-';
  const rest = await ask('/downloads/mst-cli', { range, 'if-range': String(etag) });
  expect(rest.statusCode).toBe(206);
  expect(rest.rawPayload).toEqual(program.subarray(10));
  expect(rest.headers['content-range']).toBe(`bytes 10-${program.length - 1}/${program.length}`);
  expect((await ask('/downloads/mst-cli', { 'if-none-match': String(etag) })).statusCode).toBe(304);
  const newer = Buffer.from('a newer and longer build of the host tools');
  build(newer);
  const whole = await ask('/downloads/mst-cli', { range, 'if-range': String(etag) });
  expect([whole.statusCode, whole.rawPayload]).toEqual([200, newer]);
  expect((await ask('/downloads/mst-cli', { 'if-none-match': String(etag) })).statusCode).toBe(200);
});

test('a part that the file does not have is refused with its size', async () => {
  build();
  const response = await ask('/downloads/mst-cli', { range: 'bytes=1000-' });
  expect(response.statusCode).toBe(416);
  expect(response.headers['content-range']).toBe(`bytes */${program.length}`);
  expect(response.json().error.code).toBe('RangeNotSatisfiable');
});

test('the digest is that of the file of now', async () => {
  build();
  const digests = async () =>
    (await ask('/downloads/')).json().value.map((one: { sha256: string }) => one.sha256);
  expect(await digests()).toEqual(Array(3).fill(sha256(program)));
  // As long as before.
  const other = Buffer.from(program.toString().toUpperCase());
  build(other);
  expect(await digests()).toEqual(Array(3).fill(sha256(other)));
});

test('where nothing was built everything says what to run', async () => {
  const command = expect.stringContaining('npm run build:host-tools');
  for (const url of ['/downloads/', '/downloads/SHA256SUMS', '/downloads/mst-cli'])
    expect(await refusal(url)).toEqual([404, command]);
  build();
  expect(await refusal('/downloads/culvert-images.tar')).toEqual([
    404,
    expect.stringContaining('downloadsDirectory'),
  ]);
});

test('nothing else of the directory or of the machine is given away', async () => {
  build();
  writeFileSync(join(directory, 'downloads/notes'), 'secret');
  mkdirSync(join(directory, 'downloads/culvert-images.tar'));
  for (const name of [
    'notes',
    'mstunnel_monitor',
    '%2e%2e%2fcontrol.db',
    '..%2fdownloads%2fmst-cli',
    '%2fetc%2fpasswd',
  ]) {
    expect((await refusal(`/downloads/${name}`))[0]).toBe(404);
  }
  expect((await refusal('/downloads/../control.db'))[0]).toBe(404);
  expect((await refusal('/downloads/culvert-images.tar'))[0]).toBe(404);
  expect((await ask('/downloads/')).body).not.toContain('notes');
  expect((await application.inject({ method: 'POST', url: '/downloads/mst-cli' })).statusCode).toBe(405);
});
