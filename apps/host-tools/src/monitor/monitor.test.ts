import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { HostState } from './host-upgrade.ts';
import { IntentsFile } from './intents.ts';
import { Monitor } from './monitor.ts';
import { ProcessHost } from './process-host.ts';
import { ReleaseError } from './releases.ts';

let directory: string;
let monitor: Monitor | undefined;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'monitor-'));
  mkdirSync(join(directory, 'run'));
});
afterEach(async () => {
  await monitor?.stop();
  rmSync(directory, { recursive: true });
});

test('an upgrade goes on when the disk takes its state again', async () => {
  const idle = ['/bin/sh', '-c', 'exec sleep 1000', 'sh'];
  let state: HostState = {
    version: '1.0.0',
    upgrade: { version: '1.1.0', step: 'gateway', before: { sessions: [], controlPlaneReached: false } },
  };
  let refusals = 2;
  const logger = pino({ level: 'silent' });
  monitor = new Monitor({
    host: (watch) =>
      new ProcessHost({
        ...watch,
        directory,
        logger,
        environment: {},
        settleMilliseconds: 0,
        agentMilliseconds: 0,
        releases: {
          versions: () => ['1.0.0'],
          load: async (version) => {
            if (version !== '1.0.0') throw new ReleaseError(`there is no release ${version}`);
            return { version, directory, commands: { gateway: idle, agent: idle }, engine: undefined };
          },
        },
      }),
    intents: new IntentsFile(join(directory, 'intents.json')),
    state: {
      read: () => state,
      write: (next) => {
        refusals -= 1;
        if (refusals >= 0) throw new Error('ENOSPC: no space left on device');
        state = next;
      },
    },
    logger,
    writeMilliseconds: 10,
  });
  await monitor.start();
  await vi.waitFor(() => expect(state.upgrade?.step).toBe('back'));
  expect(state.upgrade?.reason).toBe('there is no release 1.1.0');
});
