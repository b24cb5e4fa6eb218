import { describe, expect, test } from 'vitest';
import { Failure } from '../../program/failure.ts';
import {
  judgeAgent,
  judgeCertificate,
  judgeContainer,
  judgeDisk,
  judgeMonitor,
  notAnswering,
} from './judge.ts';

const now = Date.parse('2026-01-31T12:00:00Z');
const agent = { version: '1.2.0', serverId: 'x', lastCheckInAt: '2026-01-31T11:59:00Z' };
const days = (count: number) => ({ notAfter: now + count * 86_400_000 });

describe('the health of a server', () => {
  test('depends on the check-ins of its agent', () => {
    expect(judgeAgent(agent, now)).toMatchObject({ result: 'ok', found: { en: 'last check-in 1 min ago' } });
    expect(judgeAgent({ ...agent, lastCheckInAt: '2026-01-31T11:50:00Z' }, now).result).toBe('failed');
    expect(judgeAgent({ ...agent, problem: 'no route\u001b[2J' }, now)).toMatchObject({
      result: 'failed',
      found: { en: 'no route?[2J' },
    });
    expect(judgeAgent({ version: '1.2.0' }, now)).toMatchObject({ remedy: { commands: ['mstunnel-setup'] } });
  });

  test('depends on the days of its certificate', () => {
    const result = (count: number) => judgeCertificate(days(count), now).result;
    expect([40, 30, 29, 7, 6, 0, -1].map(result)).toEqual([
      'ok',
      'ok',
      'warning',
      'warning',
      'failed',
      'failed',
      'failed',
    ]);
    expect(judgeCertificate({ reason: 'refused' }, now).result).toBe('unknown');
  });

  test('depends on what keeps ending, and tells an upgrade that failed', () => {
    const status = (endings: number) => ({
      version: '1.2.0',
      available: [],
      processes: {
        server: { state: 'running' as const, endings },
        agent: { state: 'running' as const, endings: 0 },
      },
    });
    expect(judgeMonitor(status(1)).result).toBe('ok');
    expect(judgeMonitor(status(3))).toMatchObject({
      result: 'failed',
      remedy: { commands: ['mst-cli server logs --tail 100'] },
    });
    const upgrade = {
      version: '1.3.0',
      state: 'failed' as const,
      reason: 'unhealthy',
      at: '2026-01-31T11:00:00Z',
    };
    expect(judgeMonitor({ ...status(0), upgrade })).toMatchObject({ result: 'warning' });
  });

  test('depends on its containers and its disk', () => {
    const container = {
      state: 'running',
      health: 'healthy' as const,
      image: '',
      labels: {},
      processId: 1,
      startedAt: undefined,
      exitCode: undefined,
    };
    expect(judgeContainer('server', container).result).toBe('ok');
    expect(judgeContainer('server', { ...container, health: 'unhealthy' }).result).toBe('failed');
    expect(judgeContainer('agent', { ...container, state: 'exited' })).toMatchObject({
      remedy: { commands: ['mst-cli agent start'] },
    });
    expect(judgeContainer('agent', { ...container, state: 'missing' })).toMatchObject({
      remedy: { commands: ['mst-cli install'] },
    });
    expect([6e9, 4e9, 1e9].map((bytes) => judgeDisk(bytes).result)).toEqual(['ok', 'warning', 'failed']);
  });

  test('of a part that does not answer is bad, and the answer says what to do', () => {
    const text = { en: 'start it', ja: '起動' };
    expect(notAnswering(new Failure(text))).toEqual({ result: 'failed', found: text });
    expect(() => notAnswering(new TypeError('a mistake of this program'))).toThrow(TypeError);
  });
});
