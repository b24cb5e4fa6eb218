import { mkdtempSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { cookieMatches, newCookie, sessionIdOf } from './cookie.ts';
import { noTraffic, type Session } from './session.ts';
import { SqliteSessionStore } from './session-store.ts';

const session: Session = {
  id: '0011223344556677',
  cookieHash: 'ff'.repeat(32),
  user: 'アリス',
  lease: { ipv4: '10.70.0.2', ipv6: 'fd70::2' },
  dtlsId: 'ab'.repeat(32),
  platform: 'linux',
  deviceType: undefined,
  deviceUniqueId: 'unique',
  userAgent: 'agent',
  remoteAddress: '192.0.2.1',
  hostname: undefined,
  signedInAt: 1_790_000_000_000,
  endsAt: 1_790_003_600_000,
  connectedAt: undefined,
  mtu: undefined,
  state: 'waiting',
  deadline: 1_790_000_300_000,
  carried: noTraffic,
  seen: noTraffic,
  lost: false,
};

const path = () => join(mkdtempSync(join(tmpdir(), 'culvert-')), 'sessions.db');

test('a session comes back from the store as it went in, with its changes, until it is removed', () => {
  const file = path();
  const store = new SqliteSessionStore(file);
  store.insert(session);
  expect(new SqliteSessionStore(file).load()).toEqual([session]);
  const changed: Session = {
    ...session,
    state: 'attached',
    hostname: 'vm',
    connectedAt: 1_790_000_001_000,
    dtlsId: 'cd'.repeat(32),
    carried: { bytesIn: 1, bytesOut: 2 },
    seen: { bytesIn: 3, bytesOut: 4 },
  };
  store.update(changed);
  store.flush();
  expect(new SqliteSessionStore(file).load()).toEqual([changed]);
  store.remove(session.id);
  expect(new SqliteSessionStore(file).load()).toEqual([]);
});

test('changes reach the store by themselves, and never bring back what was removed', async () => {
  const file = path();
  const store = new SqliteSessionStore(file);
  store.insert(session);
  store.update({ ...session, state: 'attached' });
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(new SqliteSessionStore(file).load()).toMatchObject([{ state: 'attached' }]);
  store.update(session);
  store.remove(session.id);
  store.close();
  expect(new SqliteSessionStore(file).load()).toEqual([]);
});

test('the store of an earlier version is taken over with its sessions', () => {
  const file = path();
  const store = new SqliteSessionStore(file);
  store.insert(session);
  store.close();
  const database = new DatabaseSync(file);
  for (const column of ['carried_in', 'carried_out', 'seen_in', 'seen_out'])
    database.exec(`ALTER TABLE sessions DROP COLUMN ${column}`);
  database.exec('PRAGMA user_version = 1');
  database.close();
  expect(new SqliteSessionStore(file).load()).toEqual([session]);
});

test('the store is for the gateway alone and refuses the file of a newer gateway', () => {
  const file = path();
  new SqliteSessionStore(file).close();
  expect(statSync(file).mode & 0o777).toBe(0o600);
  new DatabaseSync(file).exec('PRAGMA user_version = 99');
  expect(() => new SqliteSessionStore(file)).toThrow(/newer gateway/);
});

test('a cookie is hexadecimal, names its session and matches its hash only', () => {
  const { cookie, id, hash } = newCookie((bytes) => Buffer.alloc(bytes, 0xa5));
  expect(cookie).toMatch(/^[0-9a-f]{56}$/);
  expect(sessionIdOf(cookie)).toBe(id);
  expect(cookieMatches(cookie, hash)).toBe(true);
  expect(cookieMatches(cookie.replace('a', 'b'), hash)).toBe(false);
  expect(sessionIdOf(`${cookie}=`)).toBeUndefined();
});
