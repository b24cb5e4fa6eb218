import { mkdtempSync, readFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EngineEvent, engineEventSchema, engineRequestSchema } from '@culvert/contracts';
import { afterEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { EngineConnection } from './connection.ts';
import { EngineError, type SessionEvent } from './engine.ts';
import { encodeLine, LineDecoder } from './line-codec.ts';

const hello = { type: 'hello', protocol: 1, engineVersion: '0.1.0', pid: 4711, configured: false } as const;
const examples = z
  .object({ requests: z.array(z.unknown()), events: z.array(z.unknown()) })
  .parse(
    JSON.parse(
      readFileSync(
        join(import.meta.dirname, '../../../../packages/contracts/src/engine-messages.examples.json'),
        'utf8',
      ),
    ),
  );

let server: Server | undefined;
afterEach(() => server?.close());

/** A socket that speaks as an engine does. */
function engineAt(answer: (socket: Socket, line: string) => void, first: unknown = hello): Promise<string> {
  const path = join(mkdtempSync(join(tmpdir(), 'culvert-engine-')), 'engine.sock');
  server = createServer((socket) => {
    const decoder = new LineDecoder();
    socket.write(encodeLine(first));
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      for (const line of decoder.push(chunk)) answer(socket, line);
    });
  });
  return new Promise((resolve) => server?.listen(path, () => resolve(path)));
}

function open(path: string) {
  const events: SessionEvent[] = [];
  const closed = Promise.withResolvers<string>();
  const connection = EngineConnection.open(path, {
    onEvent: (event) => events.push(event),
    onClose: closed.resolve,
  });
  return { connection, events, closed: closed.promise };
}

test('the golden examples are messages of this protocol', () => {
  for (const request of examples.requests) expect(engineRequestSchema.parse(request)).toEqual(request);
  for (const event of examples.events) expect(engineEventSchema.parse(event)).toEqual(event);
});

describe('a connection to the engine', () => {
  test('gives each answer to its request, in whatever order they come', async () => {
    const waiting: { id: number; type: string }[] = [];
    const path = await engineAt((socket, line) => {
      waiting.push(JSON.parse(line));
      if (waiting.length < 2) return;
      for (const { id, type } of waiting.reverse()) {
        socket.write(
          encodeLine({
            type: 'result',
            id,
            ok: true,
            ...(type === 'list' ? { sessions: [] } : { status: { a: 1 } }),
          }),
        );
      }
    });
    const connection = await open(path).connection;
    const [list, status] = await Promise.all([
      connection.request({ type: 'list' }),
      connection.request({ type: 'status' }),
    ]);
    expect([list.sessions, status.status]).toEqual([[], { a: 1 }]);
    connection.close();
  });

  test('hands every event of the examples on', async () => {
    const events = examples.events
      .map((event) => event as EngineEvent)
      .filter(({ type }) => type !== 'hello' && type !== 'result');
    const path = await engineAt((socket, line) => {
      socket.write(
        events.map(encodeLine).join('') +
          encodeLine({ type: 'result', id: JSON.parse(line).id, ok: false, error: 'no such session' }),
      );
    });
    const opened = open(path);
    const connection = await opened.connection;
    await expect(
      connection.request({ type: 'detach', session: '00112233445566ff', message: '' }),
    ).rejects.toThrow(new EngineError('no such session'));
    expect(opened.events).toEqual(events);
    connection.close();
  });

  test('that is lost rejects what waits, and what comes after', async () => {
    const path = await engineAt((socket) => socket.destroy());
    const opened = open(path);
    const connection = await opened.connection;
    await expect(connection.request({ type: 'list' })).rejects.toThrow(EngineError);
    await opened.closed;
    await expect(connection.request({ type: 'list' })).rejects.toThrow(EngineError);
  });

  test.each([
    ['what is not JSON', 'nonsense\n'],
    ['a message of no known type', encodeLine({ type: 'party' })],
    ['a session that breaks the schema', encodeLine({ type: 'lost', session: 'x', at: 1 })],
  ])('ends when the engine sends %s', async (_name, bytes) => {
    const path = await engineAt((socket) => socket.write(bytes));
    const opened = open(path);
    const connection = await opened.connection;
    await expect(connection.request({ type: 'list' })).rejects.toThrow('does not understand');
    expect(await opened.closed).toContain('does not understand');
  });

  test('to an engine of another protocol version is refused with the remedy', async () => {
    const path = await engineAt(() => {}, { ...hello, protocol: 2 });
    await expect(open(path).connection).rejects.toThrow(
      /speaks control protocol 2, this gateway speaks 1.*kill 4711/s,
    );
  });

  test('that begins with something else than a hello is refused', async () => {
    const path = await engineAt(() => {}, { type: 'lost', session: '00112233445566ff', at: 1 });
    await expect(open(path).connection).rejects.toThrow('not a hello');
  });
});
