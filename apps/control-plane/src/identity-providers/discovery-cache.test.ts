import { beforeEach, expect, test } from 'vitest';
import type { Discovered } from './discover.ts';
import { DiscoveryCache } from './discovery-cache.ts';
import type { IdentityProvider } from './provider.ts';

const provider: IdentityProvider = {
  id: 'directory',
  version: 1,
  displayName: 'Directory',
  issuer: 'https://directory.example.com',
  clientId: 'culvert',
  clientSecret: undefined,
  scopes: ['openid'],
  userNameClaim: 'preferred_username',
  groupsClaim: 'groups',
  allowedGroups: [],
  isEnabled: true,
};
const found = { ok: true } as Discovered;
const unreachable: Discovered = { ok: false, refusal: { kind: 'unreachable', message: 'away' } };
let time = 0;
let asked = 0;
let answer: Discovered;
let cache: DiscoveryCache;

beforeEach(() => {
  asked = 0;
  answer = found;
  const ask = async () => {
    asked += 1;
    return answer;
  };
  cache = new DiscoveryCache(() => new Date(time), ask);
});

test('a provider is asked once in five minutes, however many begin', async () => {
  await Promise.all(Array.from({ length: 50 }, () => cache.discover(provider)));
  time += 299_999;
  expect(await cache.discover(provider)).toBe(found);
  expect(asked).toBe(1);
  time += 1;
  await cache.discover(provider);
  expect(asked).toBe(2);
});

test('one that was changed here, and another one, is asked at once', async () => {
  await cache.discover(provider);
  await cache.discover({ ...provider, version: 2 });
  await cache.discover({ ...provider, id: 'other' });
  expect(asked).toBe(3);
});

test('one that did not answer is asked again after ten seconds', async () => {
  answer = unreachable;
  expect(await cache.discover(provider)).toBe(unreachable);
  time += 9_999;
  answer = found;
  expect(await cache.discover(provider)).toBe(unreachable);
  time += 1;
  expect(await cache.discover(provider)).toBe(found);
  expect(asked).toBe(2);
});
