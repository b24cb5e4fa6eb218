import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { engineProtocolVersion } from '@culvert/contracts';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { EngineConfiguration } from './engine.ts';
import { encodeLine, LineDecoder } from './line-codec.ts';
import { EngineSupervisor } from './supervisor.ts';

test('an end that the engine has kept for this gateway can be acknowledged at once', async () => {
  const runtimeDirectory = await mkdtemp(join(tmpdir(), 'supervisor-'));
  const requests: { type: string; session?: string }[] = [];
  const engine = createServer((socket) => {
    const decoder = new LineDecoder();
    socket.on('data', (chunk: Buffer) => {
      for (const line of decoder.push(chunk)) {
        const request = JSON.parse(line);
        requests.push(request);
        socket.write(encodeLine({ type: 'result', id: request.id, ok: true }));
      }
    });
    const counters = { bytesIn: 0, bytesOut: 0, packetsIn: 0, packetsOut: 0 };
    const hello = {
      type: 'hello',
      protocol: engineProtocolVersion,
      engineVersion: '0',
      pid: 1,
      configured: true,
    };
    const ended = { type: 'ended', session: '00112233445566ff', reason: 'idleTimeout', at: 1, counters };
    // In one piece, as the engine writes them.
    socket.write(encodeLine(hello) + encodeLine(ended));
  });
  await new Promise<void>((resolve) => engine.listen(join(runtimeDirectory, 'engine.sock'), resolve));
  const acknowledged: Promise<void>[] = [];
  const supervisor = new EngineSupervisor({
    binary: '/nonexistent',
    runtimeDirectory,
    logDirectory: runtimeDirectory,
    logger: pino({ level: 'silent' }),
    configuration: () => ({}) as EngineConfiguration,
    onEvent: (event) => acknowledged.push(supervisor.acknowledge(event.session)),
    onReady: async () => {},
    onLost: () => {},
  });
  await supervisor.start();
  expect(acknowledged).toHaveLength(1);
  await Promise.all(acknowledged);
  expect(requests).toContainEqual(
    expect.objectContaining({ type: 'acknowledge', session: '00112233445566ff' }),
  );
  await supervisor.stop({ end: false });
  await new Promise((resolve) => engine.close(resolve));
  await rm(runtimeDirectory, { recursive: true });
});
