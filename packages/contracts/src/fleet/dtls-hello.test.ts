import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  dtlsClientHello,
  dtlsHelloVerifyRequest,
  isDtlsClientHello,
  readHelloVerifyRequest,
} from './dtls-hello.ts';

test('a cookie of any length comes back from the answer that carries it', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 255 }), (cookie) => {
      expect(readHelloVerifyRequest(dtlsHelloVerifyRequest(cookie))).toEqual(Buffer.from(cookie));
    }),
  );
});

test('a ClientHello is one, and no answer', () => {
  const hello = dtlsClientHello(new Uint8Array(32).fill(7));
  expect(isDtlsClientHello(hello)).toBe(true);
  expect(readHelloVerifyRequest(hello)).toBeUndefined();
});

test('what was cut, or is anything else, is neither', () => {
  const hello = dtlsClientHello(new Uint8Array(32).fill(7));
  fc.assert(
    fc.property(fc.nat(hello.length - 1), (length) => {
      expect(isDtlsClientHello(hello.subarray(0, length))).toBe(false);
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      expect(isDtlsClientHello(bytes)).toBe(false);
      expect(readHelloVerifyRequest(bytes)).toBeUndefined();
    }),
  );
});
