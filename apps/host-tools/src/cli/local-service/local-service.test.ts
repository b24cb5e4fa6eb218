import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { z } from 'zod';
import { askService, type LocalService, NotRunning } from './local-service.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function serve(listener: RequestListener): Promise<{ service: LocalService; directory: string }> {
  const directory = mkdtempSync(join(tmpdir(), 'culvert-service-'));
  mkdirSync(join(directory, 'run'));
  const server = createServer(listener);
  const socket = join(directory, 'run/admin.sock');
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  closers.push(() => server.close());
  return {
    directory,
    service: { name: { en: 'gateway', ja: 'ゲートウェイ' }, socket, start: 'mst-cli server start' },
  };
}

const schema = z.object({ a: z.int() });
const get = { method: 'GET', path: '/' } as const;
const ask = (service: LocalService) => askService(service, get, schema);

test('an answer is what the schema makes of it', async () => {
  const { service } = await serve((_, response) => response.end('{"a":1,"b":2}'));
  expect(await ask(service)).toEqual({ a: 1 });
});

test('a refusal is told in the words of the service, which steer no terminal', async () => {
  const { service } = await serve((_, response) => response.writeHead(400).end('{"error":"no \\u001b[2J"}'));
  await expect(ask(service)).rejects.toThrow('The gateway refuses: no ?[2J');
});

test.each(['', '[]', 'nonsense', '{"a":"1"}'])(
  'the answer %j is told as one that is not understood',
  async (text) => {
    const { service } = await serve((_, response) => response.end(text));
    await expect(ask(service)).rejects.toThrow('cannot be understood');
  },
);

test('an answer without end is not read without end', async () => {
  const piece = Buffer.alloc(1 << 20, 0x20);
  const { service } = await serve((_, response) => {
    const more = () => {
      while (response.write(piece));
      response.once('drain', more);
    };
    response.on('error', () => {});
    more();
  });
  await expect(ask(service)).rejects.toThrow('cannot be understood');
});

test('a service that does not run is told with what starts it', async () => {
  const { service } = await serve(() => {});
  const away = { ...service, socket: `${service.socket}.none` };
  await expect(ask(away)).rejects.toThrow(NotRunning);
  await expect(ask(away)).rejects.toThrow('mst-cli server start');
});

test('no link leads to a socket of somebody else', async () => {
  const { service, directory } = await serve((_, response) => response.end('{"a":1}'));
  const link = join(directory, 'run/link.sock');
  symlinkSync(service.socket, link);
  symlinkSync(join(directory, 'run'), join(directory, 'linked'));
  writeFileSync(join(directory, 'run/file.sock'), '');
  for (const socket of [link, join(directory, 'linked/admin.sock'), join(directory, 'run/file.sock')]) {
    await expect(ask({ ...service, socket })).rejects.toThrow('is not the socket');
  }
});
