import { expect, test } from 'vitest';
import { describeFinding } from './findings/finding.ts';
import { validateDocument } from './findings/validate.ts';
import { siteSchema, siteWarnings, windowMinutes } from './site.ts';

const site = { displayName: 'Tokyo', publicAddress: 'vpn.example.com' };
const window = {
  upgradeWindowStartTime: '22:00:00',
  upgradeWindowEndTime: '02:00:00.5',
  upgradeWindowTimeZone: 'Asia/Tokyo',
};

function problems(changes: Record<string, unknown>): string[] {
  const result = validateDocument(siteSchema, { ...site, ...changes });
  return result.ok ? [] : result.problems.map(describeFinding);
}

test('a site has defaults, and times of day as Graph writes them', () => {
  expect(siteSchema.parse({ ...site, ...window })).toEqual({
    ...site,
    ...window,
    description: '',
    upgradeWindowStartTime: '22:00:00.0000000',
    upgradeWindowEndTime: '02:00:00.5000000',
    upgradeWindowUtcOffsetInMinutes: null,
    upgradeAutomatically: true,
    internalNetworkProbeUrl: null,
    roleScopeTagIds: ['0'],
  });
});

test.each([
  [{ displayName: undefined }, 'displayName: missing'],
  [{ displayName: 'x'.repeat(201) }, 'displayName: found'],
  [{ publicAddress: undefined }, 'publicAddress: missing'],
  [{ publicAddress: 'gateway' }, 'write the full name, such as vpn.example.com'],
  [{ publicAddress: '127.0.0.1' }, 'devices cannot reach 127.0.0.1 (loopback)'],
  [{ publicAddress: 'fe80::1' }, '(linkLocal)'],
  [{ publicAddress: '224.0.0.1' }, '(multicast)'],
  [{ publicAddress: '0.0.0.0' }, '(unspecified)'],
  [{ publicAddress: '203.0.113.10' }, '(reserved)'],
  [{ publicAddress: '203.0.113.300' }, 'ends with a number'],
  [{ publicAddress: 'vpn_.example.com' }, 'expected a name or an address'],
  [{ publicAddress: 'https://vpn.example.com' }, 'expected a name or an address'],
  [
    { upgradeWindowStartTime: '25:00:00' },
    'upgradeWindowStartTime: found "25:00:00"; expected a time of day',
  ],
  [
    { ...window, upgradeWindowEndTime: null },
    'upgradeWindowEndTime: found null; is needed beside upgradeWindowStartTime',
  ],
  [{ ...window, upgradeWindowEndTime: '22:59:59' }, 'at least 60 minutes'],
  [{ ...window, upgradeWindowEndTime: '22:00:00' }, 'at least 60 minutes'],
  [{ ...window, upgradeWindowTimeZone: 'Mars/Olympus' }, 'Europe/Berlin or Asia/Tokyo'],
  [{ ...window, upgradeWindowTimeZone: '+09:00' }, 'Europe/Berlin or Asia/Tokyo'],
  [{ ...window, upgradeWindowTimeZone: undefined }, 'upgradeWindowTimeZone: missing'],
  [{ upgradeWindowUtcOffsetInMinutes: 900 }, 'expected a number of at most 840'],
  [{ internalNetworkProbeUrl: 'ftp://intranet' }, 'expected an http or https address'],
  [{ roleScopeTagIds: ['default'] }, 'expected the id of a scope tag'],
  [{ colour: 'blue' }, 'colour: unknown key'],
])('%j is refused with its field and remedy', (changes, words) => {
  expect(problems(changes).join('\n')).toContain(words);
});

test.each([
  { publicAddress: '8.8.8.8' },
  { publicAddress: '2606:4700::1' },
  { publicAddress: '10.0.0.1' },
  { ...window, upgradeWindowTimeZone: null, upgradeWindowUtcOffsetInMinutes: 540 },
  { ...window, upgradeWindowStartTime: '22:00:00', upgradeWindowEndTime: '23:00:00' },
])('%j is allowed', (changes) => {
  expect(problems(changes)).toEqual([]);
});

test('a private address is doubtful', () => {
  expect(siteWarnings({ publicAddress: '192.168.1.1' })).toMatchObject([{ path: 'publicAddress' }]);
  expect(siteWarnings({ publicAddress: '8.8.8.8' })).toEqual([]);
  expect(siteWarnings({ publicAddress: 'vpn.example.com' })).toEqual([]);
});

test('a window may end on the next day', () => {
  expect(windowMinutes('22:00:00', '02:30:00')).toBe(270);
  expect(windowMinutes('02:00:00', '22:00:00')).toBe(1200);
});
