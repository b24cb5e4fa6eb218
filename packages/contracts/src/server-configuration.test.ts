import { expect, test } from 'vitest';
import { serverConfigurationSchema } from './server-configuration.ts';

const problemsOf = (fields: object) => {
  const result = serverConfigurationSchema.safeParse({
    displayName: 'x',
    network: '10.70.0.0/16',
    ...fields,
  });
  return result.success ? [] : result.error.issues.map(({ path, message }) => `${path}: ${message}`);
};

test.each([
  '10.0.0.0/8',
  '100.64.0.0/10',
  '128.0.0.0/4',
  // What the original suggests.
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.168.7.0/24',
])('devices get addresses of %s', (network) => {
  expect(problemsOf({ network })).toEqual([]);
});

test.each([
  '0.0.0.0/0',
  '0.0.0.0/8',
  '0.0.0.0/1',
  '127.0.0.0/8',
  '127.7.0.0/16',
  '64.0.0.0/2',
  '224.0.0.0/24',
  '239.1.0.0/16',
  '192.0.0.0/2',
  '240.0.0.0/8',
  '255.255.255.248/29',
])('no device can have an address of %s', (network) => {
  expect(problemsOf({ network })).toEqual([
    expect.stringContaining('network: devices cannot have addresses'),
  ]);
});

test.each(['fd70::/112', '2001:db8::/64', 'fe80::/64'])('devices get addresses of %s', (ipv6Network) => {
  expect(problemsOf({ ipv6Network })).toEqual([]);
});

test.each(['::/0', '::/96', 'ff00::/8', 'ff02::/64', '::ffff:0:0/96', '::ffff:a46:0/112'])(
  'no device can have an address of %s',
  (ipv6Network) => {
    expect(problemsOf({ ipv6Network })).toEqual([
      expect.stringContaining('ipv6Network: devices cannot have'),
    ]);
  },
);

test.each(['10.70.0.0', '10.70.0.1/16', 'x', '10.70.0.0/16/1'])(
  '%s is no network, and that is all that is told',
  (network) => {
    expect(problemsOf({ network }).filter((text) => text.includes('devices cannot'))).toEqual([]);
  },
);
