import type { SessionView } from '@culvert/contracts';
import { expect, test } from 'vitest';
import { captureTarget, tcpdumpWords } from './target.ts';

const session: SessionView = {
  id: '00112233445566ff',
  user: 'alice',
  state: 'connected',
  channel: 'dtls',
  ipv4: '10.70.0.2',
  ipv6: 'fd70::2',
  signedInAt: 0,
  endsAt: 1,
  bytesIn: 0,
  bytesOut: 0,
};
const target = (word: string) => captureTarget(word, [session], 'culvert0');

test('a device is meant by an address, its session or its user, and then all its addresses are', () => {
  const wanted = { interface: 'culvert0', addresses: ['10.70.0.2', 'fd70::2'] };
  for (const word of ['10.70.0.2', 'fd70:0::2', '0011', '00112233445566FF', 'alice']) {
    expect(target(word)).toEqual(wanted);
  }
  expect(target('10.70.9.9')).toEqual({ interface: 'culvert0', addresses: ['10.70.9.9'] });
});

test('anything else is an interface, if it can be one', () => {
  expect(target('eth0')).toEqual({ interface: 'eth0', addresses: [] });
  for (const word of ['-w', '--help', 'a b', 'x;reboot', '', 'ifname-too-long-x', '../../etc']) {
    expect(() => target(word)).toThrow(/no address/);
  }
});

test('a gateway cannot put options into the words of tcpdump', () => {
  expect(() => captureTarget('alice', [session], '-z /bin/sh')).not.toThrow();
  expect(captureTarget('alice', [session], '-z/bin/sh').interface).toBe('alice');
  expect(tcpdumpWords(target('alice')).slice(-5)).toEqual(['host', '10.70.0.2', 'or', 'host', 'fd70::2']);
});
