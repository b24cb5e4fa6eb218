import { expect, test } from 'vitest';
import { dtlsRecords } from './dtls-records.ts';
import { parseIperf } from './iperf.ts';
import { parsePing } from './ping.ts';

test('pings that were not answered are named, and the longest gap is found', () => {
  const output = `PING 10.60.0.2 (10.60.0.2) 56(84) bytes of data.
[1700000000.1] 64 bytes from 10.60.0.2: icmp_seq=1 ttl=63 time=0.5 ms
[1700000000.3] no answer yet for icmp_seq=2
[1700000000.5] no answer yet for icmp_seq=3
[1700000000.7] 64 bytes from 10.60.0.2: icmp_seq=4 ttl=63 time=0.5 ms
[1700000000.9] no answer yet for icmp_seq=5
[1700000001.1] 64 bytes from 10.60.0.2: icmp_seq=6 ttl=63 time=0.5 ms

--- 10.60.0.2 ping statistics ---
6 packets transmitted, 3 received, 50% packet loss, time 1000ms
`;
  expect(parsePing(output)).toEqual({ sent: 6, received: 3, lost: [2, 3, 5], longestGap: 2 });
});

test('an answer that came late is an answer', () => {
  const output = `[1] no answer yet for icmp_seq=1
[2] 64 bytes from 10.60.0.2: icmp_seq=1 ttl=63 time=900 ms
1 packets transmitted, 1 received, 0% packet loss, time 0ms`;
  expect(parsePing(output)).toMatchObject({ sent: 1, received: 1, lost: [] });
});

test('a measurement of iperf3 that failed is an error with its reason', () => {
  expect(() => parseIperf('{"error": "unable to connect to server"}')).toThrow('unable to connect');
  expect(() => parseIperf('{"end": {}}')).toThrow('no summary');
});

test('a datagram is split into its DTLS records, a record that was cut off included', () => {
  const record = (epoch: number, fragment: string) =>
    `16fefd${epoch.toString(16).padStart(4, '0')}000000000001${(fragment.length / 2).toString(16).padStart(4, '0')}${fragment}`;
  const whole = Buffer.from(record(0, '0100') + record(1, 'aabbcc'), 'hex');
  expect(dtlsRecords(whole).map(({ epoch, fragment }) => [epoch, fragment.toString('hex')])).toEqual([
    [0, '0100'],
    [1, 'aabbcc'],
  ]);
  expect(dtlsRecords(whole.subarray(0, -1)).at(-1)?.fragment.toString('hex')).toBe('aabb');
});
