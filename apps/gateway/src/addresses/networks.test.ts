import { expect, test } from 'vitest';
import { canonicalAddress, netmaskForm, originOf } from './networks.ts';

test('the netmask form is what Cisco clients read', () => {
  expect(netmaskForm('10.0.0.0/8')).toBe('10.0.0.0/255.0.0.0');
  expect(netmaskForm('192.0.2.7/32')).toBe('192.0.2.7/255.255.255.255');
});

test('an origin is an IPv4 address or an IPv6 /64', () => {
  expect(originOf('192.0.2.7')).toBe('192.0.2.7');
  expect(originOf('::ffff:192.0.2.7')).toBe('192.0.2.7');
  expect(originOf('2001:db8:1:2:3:4:5:6')).toBe(originOf('2001:db8:1:2::9'));
  expect(originOf('2001:db8:1:2::9')).toBe('2001:db8:1:2::/64');
  expect(originOf('2001:db8:1:3::9')).not.toBe('2001:db8:1:2::/64');
});

test('each address has one spelling', () => {
  expect(canonicalAddress('2001:DB8:0:0::1')).toBe('2001:db8::1');
  expect(canonicalAddress('::ffff:10.0.0.1')).toBe('10.0.0.1');
});
