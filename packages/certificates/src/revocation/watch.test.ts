import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { RevocationAuthority } from '../testing/revocation-authority.ts';
import type { Ask } from './check.ts';
import { RevocationWatch } from './watch.ts';

const minute = 60_000;
let authority: RevocationAuthority;
let isReachable: boolean;
let later: number;
let watch: RevocationWatch;

beforeAll(async () => {
  authority = await RevocationAuthority.start();
  authority.workshop.issue('one', 'ca', { extensions: authority.extensions('crl') });
  authority.workshop.issue('two', 'ca', { extensions: authority.extensions('crl') });
});
afterAll(() => authority.stop());
beforeEach(() => {
  authority.state({ one: 'valid', two: 'valid' });
  isReachable = true;
  later = 0;
  const ask: Ask = async ({ url }) => {
    if (!isReachable) throw new Error('nobody there');
    return new Uint8Array(await (await fetch(url)).arrayBuffer());
  };
  watch = new RevocationWatch({ ask, now: () => new Date(Date.now() + later), random: randomBytes });
});

const check = async (name: string) =>
  (await watch.check([authority.certificate(name), authority.certificate('ca')])).status;

test('a good answer is asked for once an hour', async () => {
  for (const minutes of [0, 5, 30, 59]) {
    later = minutes * minute;
    expect(await check('one')).toBe('good');
  }
  expect(authority.asked).toHaveLength(1);
  later = 61 * minute;
  await check('one');
  expect(authority.asked).toHaveLength(2);
});

test('an answer that cannot be told is asked for again after five minutes, not before', async () => {
  authority.distortions.set('/ca.crl', () => Buffer.from('no'));
  expect(await check('one')).toBe('untold');
  authority.distortions.clear();
  later = 4 * minute;
  expect(await check('one')).toBe('untold');
  later = 6 * minute;
  expect(await check('one')).toBe('good');
  expect(authority.asked).toHaveLength(2);
});

test('a good answer counts while its responder is away, until it ends', async () => {
  expect(await check('one')).toBe('good');
  isReachable = false;
  later = 2 * 60 * minute;
  expect(await check('one')).toBe('good');
  later = 25 * 60 * minute;
  expect(await check('one')).toBe('untold');
});

test('another certificate is asked for at once', async () => {
  expect(await check('one')).toBe('good');
  authority.state({ two: { revokedFor: 'superseded' } });
  expect(await check('two')).toBe('revoked');
});
