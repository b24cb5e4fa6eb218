import { versionSchema } from '@culvert/contracts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareVersions, isNewer, isVersion, newestVersion, versionsBehind } from './versions.ts';

const number = fc.integer({ min: 0, max: 12 });
const identifier = fc.oneof(number.map(String), fc.constantFrom('alpha', 'beta', 'rc', 'x-1', '01', ''));
/** Everything that an agent may report, also what Semantic Versioning does not allow. */
const version = fc
  .tuple(number, number, number, fc.array(identifier, { maxLength: 3 }))
  .map(([major, minor, patch, suffix]) =>
    [`${major}.${minor}.${patch}`, ...(suffix.length === 0 ? [] : [suffix.join('.')])].join('-'),
  )
  .filter((text) => versionSchema.safeParse(text).success);
const core = fc.tuple(number, number, number);

test('versions are in the order of the example of Semantic Versioning', () => {
  const ordered = [
    '1.0.0-alpha',
    '1.0.0-alpha.1',
    '1.0.0-alpha.beta',
    '1.0.0-beta',
    '1.0.0-beta.2',
    '1.0.0-beta.11',
    '1.0.0-rc.1',
    '1.0.0',
    '1.0.1',
    '1.2.0',
    '1.10.0',
    '2.0.0',
  ];
  expect(ordered.toReversed().sort(compareVersions)).toEqual(ordered);
  expect(newestVersion(ordered.toReversed())).toBe('2.0.0');
});

test('any three reported versions have one order', () => {
  fc.assert(
    fc.property(version, version, version, (a, b, c) => {
      expect(Math.sign(compareVersions(a, b))).toBe(0 - Math.sign(compareVersions(b, a)));
      if (compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0)
        expect(compareVersions(a, c)).toBeLessThanOrEqual(0);
      if (compareVersions(a, b) === 0) expect(a).toBe(b);
    }),
  );
});

test('versions without a suffix are in the order of their numbers, and before each come its candidates', () => {
  fc.assert(
    fc.property(core, core, (one, other) => {
      const [first, second] = [one.join('.'), other.join('.')];
      const difference = one.map((value, place) => value - (other[place] ?? 0)).find((value) => value !== 0);
      expect(Math.sign(compareVersions(first, second))).toBe(Math.sign(difference ?? 0));
      expect(isNewer(first, `${first}-rc.1`)).toBe(true);
    }),
  );
});

test('what Semantic Versioning does not allow is no version and older than all', () => {
  for (const text of ['1.02.0', '01.0.0', '1.0.0-a..b', '1.0.0-01', '1.0', '99999999999999999999.0.0']) {
    expect([text, isVersion(text), isNewer('0.0.0-0', text)]).toEqual([text, false, true]);
  }
  expect(isVersion('1.4.0-rc.1')).toBe(true);
});

test('a server is as many versions behind as releases are newer', () => {
  const releases = ['1.0.0', '1.1.0', '1.1.0', '1.2.0-rc.1', '0.9.0'];
  expect(
    ['1.2.0', '1.2.0-rc.1', '1.1.0', '1.0.5', '0.1.0'].map((one) => versionsBehind(one, releases)),
  ).toEqual([0, 0, 1, 2, 4]);
  expect(versionsBehind('1.0.0', [])).toBe(0);
  expect(newestVersion([])).toBeUndefined();
});
