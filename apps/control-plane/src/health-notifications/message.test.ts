import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { overallStatuses } from '../health-status/overall.ts';
import { netChanges, type ServerChange, textOf, webhookBody } from './message.ts';

const at = '2026-11-24T09:00:00.000Z';
const change = (changes: Partial<ServerChange>): ServerChange => ({
  serverId: '1',
  serverName: 'gateway-1',
  siteId: 't',
  siteName: 'Tokyo',
  from: 'healthy',
  to: 'offline',
  causes: [{ detail: at }],
  at,
  ...changes,
});

describe('changes', () => {
  test('of one server become one, from what it was to what it is', () => {
    const list = [
      change({ from: 'healthy', to: 'unhealthy' }),
      change({ serverId: '2' }),
      change({ from: 'unhealthy', to: 'warning' }),
    ];
    expect(netChanges(list).map(({ serverId, from, to }) => [serverId, from, to])).toEqual([
      ['1', 'healthy', 'warning'],
      ['2', 'healthy', 'offline'],
    ]);
  });

  test('of a server that is again as it was are not told', () => {
    expect(netChanges([change({}), change({ from: 'offline', to: 'healthy' })])).toEqual([]);
  });

  test('any changes: each server is told of at most once, and only when it is another', () => {
    const one = fc.record({
      serverId: fc.constantFrom('1', '2', '3'),
      from: fc.constantFrom(...overallStatuses),
      to: fc.constantFrom(...overallStatuses),
    });
    fc.assert(
      fc.property(fc.array(one), (list) => {
        const net = netChanges(list.map(change));
        expect(new Set(net.map(({ serverId }) => serverId)).size).toBe(net.length);
        for (const { serverId, from, to } of net) {
          const own = list.filter((other) => other.serverId === serverId);
          expect([from, to]).toEqual([own[0]?.from, own.at(-1)?.to]);
          expect(from).not.toBe(to);
        }
      }),
    );
  });
});

describe('a message', () => {
  test('about one server names it in its subject; about many, their number', () => {
    expect(textOf({ changes: [change({})] }, 'en').subject).toBe('Culvert: gateway-1 offline');
    expect(textOf({ changes: [change({})] }, 'ja').subject).toBe('Culvert: gateway-1 オフライン');
    const many = Array.from({ length: 1_000 }, (_, place) => change({ serverId: `${place}` }));
    const { subject, body } = textOf({ changes: many }, 'en');
    expect(subject).toBe('Culvert: the health of 1000 servers has changed');
    expect(body).toMatch(/and 900 more servers$/);
    expect(JSON.parse(webhookBody({ changes: many }, 'en', new Date(at))).data.servers).toHaveLength(1_000);
  });

  test('says what the server was, is, why and since when', () => {
    expect(textOf({ changes: [change({})] }, 'en').body).toBe(
      `gateway-1 (Tokyo): offline (before: healthy)\n  it has not checked in since ${at}; users may still be connected\n  ${at}`,
    );
  });

  test('has one line as its subject, whatever a server is called', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (serverName) => {
        const { subject } = textOf({ changes: [change({ serverName })] }, 'en');
        expect(subject).not.toMatch(/\p{Cc}/u);
      }),
    );
  });
});
