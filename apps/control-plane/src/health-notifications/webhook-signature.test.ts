import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { secretKey, signatureHeaders } from './webhook-signature.ts';

test('a message is signed as the example of Standard Webhooks', () => {
  // The vector of the specification's own libraries.
  const key = secretKey('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw') as Buffer;
  const headers = signatureHeaders(
    key,
    { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', body: '{"test": 2432232314}' },
    new Date(1_614_265_330_000),
  );
  expect(headers).toEqual({
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  });
});

test('a receiver that computes the same over the bytes it got finds the same, for any body', () => {
  const bytes = fc.uint8Array({ minLength: 24, maxLength: 64 });
  fc.assert(
    fc.property(bytes, fc.string({ unit: 'grapheme' }), (raw, body) => {
      const key = secretKey(`whsec_${Buffer.from(raw).toString('base64')}`);
      expect(key?.equals(raw)).toBe(true);
      const headers = signatureHeaders(Buffer.from(raw), { id: 'id', body }, new Date(0));
      const signed = Buffer.from(`id.0.${body}`, 'utf8');
      const expected = createHmac('sha256', raw).update(signed).digest('base64');
      expect(headers['webhook-signature']).toBe(`v1,${expected}`);
    }),
  );
});

test.each([
  '',
  'whsec_',
  'secret',
  `whsec_${'A'.repeat(30)}`,
  `whsec_${'*'.repeat(40)}`,
  `whsec_${'A'.repeat(89)}`,
])('%j is no secret', (text) => {
  expect(secretKey(text)).toBeUndefined();
});

test('any other text is no secret and no fault', () => {
  fc.assert(fc.property(fc.string(), (text) => secretKey(text) === undefined));
});
