import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeLine, LineDecoder, longestLine } from './line-codec.ts';

test('messages come out as they went in, however the stream is cut', () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue()), fc.array(fc.nat({ max: 200 })), (messages, cuts) => {
      const stream = Buffer.from(messages.map(encodeLine).join(''));
      const decoder = new LineDecoder();
      const places = [
        0,
        ...cuts.filter((cut) => cut < stream.length).sort((left, right) => left - right),
        stream.length,
      ];
      const lines = places.flatMap((place, index) =>
        decoder.push(stream.subarray(places[index - 1] ?? 0, place)),
      );
      expect(lines.map((line) => JSON.stringify(JSON.parse(line)))).toEqual(
        messages.map((message) => JSON.stringify(message)),
      );
    }),
  );
});

test('a line that is too long is fatal, also when it comes in parts', () => {
  const decoder = new LineDecoder(10);
  expect(decoder.push(Buffer.from('0123456789\n01234'))).toEqual(['0123456789']);
  expect(() => decoder.push(Buffer.from('567890'))).toThrow(RangeError);
});

test('the limit leaves room for 64,000 sessions', () => {
  const session = {
    session: '00112233445566ff',
    ipv4: '10.70.255.255',
    ipv6: 'fd70:1111:2222:3333:4444:5555:6666:7777',
    channel: 'dtls',
    tcpPeer: '[2001:db8:1111:2222:3333:4444:5555:6666]:65535',
    udpPeer: '[2001:db8:1111:2222:3333:4444:5555:6666]:65535',
    tlsVersion: 'TLSv1.3',
    tlsCipherSuite: 'TLS13_CHACHA20_POLY1305_SHA256',
    dtlsCipherSuite: 'PSK-NEGOTIATE AES256-GCM',
    attachedAt: 1_795_000_000_000,
    lastActivityAt: 1_795_000_000_000,
    counters: {
      bytesIn: Number.MAX_SAFE_INTEGER,
      bytesOut: Number.MAX_SAFE_INTEGER,
      packetsIn: Number.MAX_SAFE_INTEGER,
      packetsOut: Number.MAX_SAFE_INTEGER,
    },
  };
  expect(64_000 * encodeLine(session).length).toBeLessThan(longestLine);
});
