import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatJoinToken, parseJoinToken } from './join-token.ts';

const token = {
  url: 'https://control.example.com:8444',
  fingerprint: 'ab'.repeat(32),
  secret: 'S'.repeat(43),
};

test('a join token is one word that says where, whom to trust and the secret', () => {
  const text = formatJoinToken(token);
  expect(text).toMatch(/^culvert-join-[A-Za-z0-9_-]+$/);
  expect(parseJoinToken(`  ${text}\n`)).toEqual(token);
});

test('a join token that was cut off anywhere is none', () => {
  const text = formatJoinToken(token);
  for (let length = 0; length < text.length; length += 1) {
    expect(parseJoinToken(text.slice(0, length))).toBeUndefined();
  }
});

test('any other text is no join token and is no fault', () => {
  fc.assert(
    fc.property(fc.string(), fc.boolean(), (text, isPrefixed) => {
      expect(parseJoinToken(isPrefixed ? `culvert-join-${text}` : text)).toBeUndefined();
    }),
  );
});
