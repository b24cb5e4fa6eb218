import type { SessionView } from '@culvert/contracts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sessionOf, sessionsOfUser, shortIds } from './session-ids.ts';

const session = (id: string, user = 'alice'): SessionView => ({
  id,
  user,
  state: 'connected',
  channel: 'tls',
  ipv4: '10.70.0.2',
  signedInAt: 0,
  endsAt: 1,
  bytesIn: 0,
  bytesOut: 0,
});

test('a short id has eight letters or more and names one session alone', () => {
  const id = fc.stringMatching(/^[0-9a-f]{16}$/);
  const near = id.chain((first) =>
    fc.tuple(fc.constant(first), fc.stringMatching(/^[0-9a-f]{4}$/)).map(([a, b]) => a.slice(0, 12) + b),
  );
  fc.assert(
    fc.property(fc.uniqueArray(fc.oneof(id, near), { maxLength: 30 }), (ids) => {
      const sessions = ids.map((one) => session(one));
      for (const [whole, short] of shortIds(ids)) {
        expect(short.length).toBeGreaterThanOrEqual(8);
        expect(sessionOf(sessions, short).id).toBe(whole);
      }
    }),
  );
});

test('the beginning of two ids is refused, and so is that of none', () => {
  const sessions = [session('00112233445566ff'), session('00112233aabbccdd', 'bob')];
  expect(() => sessionOf(sessions, '0011')).toThrow('the beginning of 2 sessions');
  expect(() => sessionOf(sessions, 'ff')).toThrow('There is no session ff');
  expect(sessionOf(sessions, '00112233AA').user).toBe('bob');
  expect(sessionsOfUser(sessions, 'bob')).toHaveLength(1);
  expect(() => sessionsOfUser(sessions, 'Bob')).toThrow('Bob has no session');
});
