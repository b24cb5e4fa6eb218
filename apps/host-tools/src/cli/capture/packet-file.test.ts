import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NotPackets, PacketFile } from './packet-file.ts';

const none = { packets: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY };

function header(): Buffer {
  const bytes = Buffer.alloc(24);
  bytes.writeUInt32LE(0xa1b2c3d4);
  return bytes;
}

function packet(data: Uint8Array): Buffer {
  const head = Buffer.alloc(16);
  head.writeUInt32LE(data.length, 8);
  head.writeUInt32LE(data.length, 12);
  return Buffer.concat([head, data]);
}

/** A stream cut into pieces at these places. */
function pieces(stream: Buffer, places: readonly number[]): Buffer[] {
  const cuts = [
    0,
    ...places.map((place) => place % (stream.length + 1)).sort((a, b) => a - b),
    stream.length,
  ];
  return cuts.slice(1).map((cut, index) => stream.subarray(cuts[index], cut));
}

test('however a stream is cut, the same whole packets come out, and nothing of a half one', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 20 }),
      fc.array(fc.nat(), { maxLength: 30 }),
      fc.uint8Array({ maxLength: 15 }),
      (packets, places, half) => {
        const whole = Buffer.concat([header(), ...packets.map(packet)]);
        const file = new PacketFile(none);
        const out = pieces(Buffer.concat([whole, half]), places).map((piece) =>
          Buffer.from(file.push(piece)),
        );
        expect(Buffer.concat(out).equals(whole)).toBe(true);
        expect([file.packets, file.bytes]).toEqual([packets.length, whole.length]);
      },
    ),
  );
});

test('a limit of packets or bytes ends it with a whole packet', () => {
  const stream = Buffer.concat([header(), ...[1, 2, 3].map((byte) => packet(Buffer.alloc(10, byte)))]);
  const few = new PacketFile({ ...none, packets: 2 });
  expect(few.push(stream)).toHaveLength(24 + 2 * 26);
  expect(few.isFull).toBe(true);
  expect(few.push(stream)).toHaveLength(0);
  const small = new PacketFile({ ...none, bytes: 24 + 2 * 26 + 25 });
  expect(small.push(stream)).toHaveLength(24 + 2 * 26);
  expect(small.isFull).toBe(true);
});

test('what is no capture is refused', () => {
  expect(() => new PacketFile(none).push(Buffer.alloc(24))).toThrow(NotPackets);
  const endless = header();
  const head = Buffer.alloc(16, 0xff);
  expect(() => new PacketFile(none).push(Buffer.concat([endless, head]))).toThrow(NotPackets);
});

test('any bytes are packets or refused, never a crash', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        new PacketFile(none).push(Buffer.from(bytes));
      } catch (error) {
        expect(error).toBeInstanceOf(NotPackets);
      }
    }),
  );
});
