import type { MonitorStatus } from '@culvert/contracts';
import { pino } from 'pino';
import { describe, expect, test, vi } from 'vitest';
import { retryMilliseconds, shouldUpgrade } from './decide.ts';
import { Upgrades } from './upgrades.ts';

const at = '2026-11-25T02:00:00.000Z';
const now = () => new Date(at);
const running = { state: 'running', endings: 0 } as const;
const status = (upgrade?: MonitorStatus['upgrade'], version = '1.0.0'): MonitorStatus => ({
  version,
  available: ['1.0.0', '1.1.0'],
  processes: { server: running, agent: running },
  ...(upgrade === undefined ? {} : { upgrade }),
});

describe('whether the monitor is asked for a version', () => {
  const failed = { version: '1.1.0', state: 'failed', reason: 'it is broken', at } as const;

  test('it is for another one than runs, and for none that is under way', () => {
    expect(shouldUpgrade(undefined, status(), 0)).toBe(false);
    expect(shouldUpgrade('1.0.0', status(), 0)).toBe(false);
    expect(shouldUpgrade('1.1.0', status(), 0)).toBe(true);
    expect(shouldUpgrade('1.1.0', status({ version: '1.2.0', state: 'running', at }), 0)).toBe(false);
  });

  test('it is for one that has failed only after some time, also when the clock was put back', () => {
    const time = Date.parse(at);
    expect(shouldUpgrade('1.1.0', status(failed), time + retryMilliseconds - 1)).toBe(false);
    expect(shouldUpgrade('1.1.0', status(failed), time + retryMilliseconds)).toBe(true);
    expect(shouldUpgrade('1.1.0', status(failed), time - 365 * 86_400_000)).toBe(true);
    expect(shouldUpgrade('1.2.0', status(failed), time)).toBe(true);
  });
});

describe('the version that a site wants', () => {
  function upgrades(
    answer: () => Promise<MonitorStatus | undefined>,
    upgrade: (version: string) => Promise<void>,
  ) {
    const changed = vi.fn();
    const { signal } = new AbortController();
    const options = {
      monitor: { status: answer, upgrade },
      logger: pino({ level: 'silent' }),
      now,
      changed,
      signal,
    };
    return { upgrades: new Upgrades(options), changed };
  }

  test('is asked for, and its end is told', async () => {
    let present = status();
    const asked: string[] = [];
    const { upgrades: subject, changed } = upgrades(
      async () => present,
      async (version) => {
        asked.push(version);
        present = status({ version, state: 'done', at }, version);
      },
    );
    await subject.want('1.1.0');
    await vi.waitFor(() => expect(changed).toHaveBeenCalled());
    await subject.want('1.1.0');
    expect(asked).toEqual(['1.1.0']);
    expect(await subject.report()).toEqual({ version: '1.1.0', state: 'done', at });
  });

  test('is told once as failed when the monitor will not', async () => {
    const { upgrades: subject, changed } = upgrades(
      async () => status(),
      () => Promise.reject(new Error('there is no release 1.1.0')),
    );
    await subject.want('1.1.0');
    await subject.want('1.1.0');
    expect(changed).toHaveBeenCalledTimes(1);
    expect(await subject.report()).toMatchObject({ state: 'failed', reason: 'there is no release 1.1.0' });
  });

  test('is nobody’s trouble while the monitor does not answer', async () => {
    const { upgrades: subject } = upgrades(
      () => Promise.reject(new Error('no answer')),
      async () => {},
    );
    expect(await subject.report()).toBeUndefined();
  });
});
