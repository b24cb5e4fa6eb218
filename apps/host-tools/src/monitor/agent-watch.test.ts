import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { agentAnswers } from './agent-client.ts';
import { AgentWatch } from './agent-watch.ts';

let directory: string;
let server: Server | undefined;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'agent-watch-'));
});
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
  rmSync(directory, { recursive: true });
});

const socket = () => join(directory, 'agent.sock');

function watchOf(since: () => number | undefined) {
  const restartAgent = vi.fn(async () => {});
  const host = {
    agent: {
      get since() {
        return since();
      },
    },
    agentAnswers: () => agentAnswers(socket()),
    restartAgent,
  };
  const watch = new AgentWatch({ host: host as never, logger: pino({ level: 'silent' }), patience: 0 });
  return { watch, restartAgent };
}

describe('an agent', () => {
  test('that is silent for too long is started again, the next one counted anew', async () => {
    let since: number | undefined = 1;
    const { watch, restartAgent } = watchOf(() => since);
    await watch.look();
    expect(restartAgent).not.toHaveBeenCalled();
    await watch.look();
    expect(restartAgent).toHaveBeenCalledTimes(1);
    since = 2;
    await watch.look();
    expect(restartAgent).toHaveBeenCalledTimes(1);
  });

  test('that answers anything is left alone', async () => {
    server = createServer((_request, response) => response.writeHead(503).end('{"of":"another release"}'));
    await new Promise<void>((resolve) => server?.listen(socket(), resolve));
    const { watch, restartAgent } = watchOf(() => 1);
    for (let look = 0; look < 3; look += 1) await watch.look();
    expect(restartAgent).not.toHaveBeenCalled();
  });

  test('that does not run is the business of others', async () => {
    const { watch, restartAgent } = watchOf(() => undefined);
    for (let look = 0; look < 3; look += 1) await watch.look();
    expect(restartAgent).not.toHaveBeenCalled();
  });
});
