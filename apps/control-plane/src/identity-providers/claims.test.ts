import fc from 'fast-check';
import { expect, test } from 'vitest';
import { claimAt, isIncomplete, userOfClaims } from './claims.ts';
import { issuerProblem } from './issuer.ts';

const provider = { id: 'p1', userNameClaim: 'upn', groupsClaim: 'groups', allowedGroups: [] as string[] };
const right = { sub: 's1', upn: 'aki@example.com', groups: ['A'] };

test.each([
  ['groups', { groups: 1 }, 1],
  ['realm_access.roles', { realm_access: { roles: 1 } }, 1],
  ['resource_access.my.client.roles', { resource_access: { 'my.client': { roles: 1 } } }, 1],
  ['https://example.com/groups', { 'https://example.com/groups': 1 }, 1],
  ['https://example.com/claims.groups', { 'https://example.com/claims': { groups: 1 } }, 1],
  ['a.b', { 'a.b': 1, a: { b: 2 } }, 1],
  ['a.b', { a: 'text' }, undefined],
  ['a.b', { a: [{ b: 1 }] }, undefined],
  ['constructor', {}, undefined],
  ['a.constructor', { a: {} }, undefined],
  ['', {}, undefined],
  ['.', { '': { '': 1 } }, 1],
])('claim %s of %j', (name, claims, expected) => {
  expect(claimAt(claims, name)).toBe(expected);
});

test('any path finds what was put there', () => {
  const parts = fc.array(
    fc.string({ minLength: 1 }).filter((part) => !part.includes('.')),
    {
      minLength: 1,
      maxLength: 6,
    },
  );
  fc.assert(
    fc.property(parts, (path) => {
      const claims = path.reduceRight<unknown>((inner, part) => ({ [part]: inner }), 'found');
      const parsed = JSON.parse(JSON.stringify(claims));
      expect(claimAt(parsed, path.join('.'))).toBe('found');
    }),
  );
});

test('whatever a provider sends gives a user or a refusal, never a mistake of ours', () => {
  const anything = fc.dictionary(
    fc.constantFrom('sub', 'upn', 'name', 'groups', '_claim_names', 'hasgroups'),
    fc.anything(),
  );
  fc.assert(
    fc.property(anything, (claims) => {
      const result = userOfClaims(claims, provider);
      if (!result.ok) {
        expect(result.refusal.message).not.toBe('');
        return;
      }
      expect(result.user.subject).toBe(String(claims.sub).trim());
      expect(result.user.groups.every((group) => typeof group === 'string' && group !== '')).toBe(true);
    }),
  );
});

test('a single group may come as a text, as AD FS sends it, and doubles count once', () => {
  const groupsOf = (groups: unknown) => {
    const result = userOfClaims({ ...right, groups }, provider);
    return result.ok ? result.user.groups : result.refusal.kind;
  };
  expect(groupsOf('Domain Admins')).toEqual(['Domain Admins']);
  expect(groupsOf(['B', 'A', 'B', ''])).toEqual(['A', 'B']);
  expect(groupsOf(['A', 'half \ud800', 'nul \0', 'whole \u{1f4a5}'])).toEqual(['A', 'whole \u{1f4a5}']);
  expect(groupsOf(undefined)).toEqual([]);
  expect(groupsOf([1])).toBe('groupsMissing');
  expect(groupsOf({ A: true })).toBe('groupsMissing');
  expect(groupsOf(Array.from({ length: 1_001 }, (_, index) => `${index}`))).toBe('groupsMissing');
});

test('names that cannot be shown are refused', () => {
  for (const upn of ['', '  ', 'a\nb', 'a\u0000', 'x'.repeat(257), 7, null, undefined]) {
    expect(userOfClaims({ ...right, upn }, provider)).toMatchObject({ refusal: { kind: 'claimMissing' } });
  }
});

test('more is asked for only while something that decides is missing', () => {
  expect(isIncomplete(right, provider)).toBe(false);
  expect(isIncomplete({ ...right, groups: undefined }, provider)).toBe(true);
  expect(isIncomplete({ sub: 's1', groups: [] }, provider)).toBe(true);
});

test.each([
  ['https://login.example.com', undefined],
  ['https://login.microsoftonline.com/5b9a7f2e/v2.0', undefined],
  ['https://keycloak.example.com/realms/staff', undefined],
  ['http://127.0.0.1:8080/realm', undefined],
  ['http://[::1]:8080', undefined],
  ['http://localhost', undefined],
  ['http://login.example.com', 'https'],
  ['http://127.0.0.1.example.com', 'https'],
  ['http://localhost.example.com', 'https'],
  ['ftp://login.example.com', 'https'],
  ['login.example.com', 'address'],
  ['https://user:word@login.example.com', 'name and password'],
  ['https://login.example.com/?tenant=1', '"?"'],
  ['https://login.example.com/#', '"#"'],
  ['https://login.example.com/.well-known/openid-configuration', '.well-known'],
])('issuer %s: %s', (issuer, problem) => {
  if (problem === undefined) expect(issuerProblem(issuer)).toBeUndefined();
  else expect(issuerProblem(issuer)).toContain(problem);
});
