import { passwordBytes } from '@culvert/passwords/hash.ts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { localNameOf } from './account.ts';
import { shownName } from './attempt.ts';
import { commonPasswords } from './common-passwords.ts';
import { generatedPassword } from './generated-password.ts';
import { judgePassword } from './password-rules.ts';

test.each([
  ['', 'passwordTooShort'],
  ['elevenchars', 'passwordTooShort'],
  ['x'.repeat(257), 'passwordTooLong'],
  ['長'.repeat(86), 'passwordTooLong'],
  ['x'.repeat(1_000_000), 'passwordTooLong'],
  ['abababababababab', 'passwordTooSimple'],
  ['Password1234', 'passwordIsCommon'],
  ['ADMINISTRATOR', 'passwordIsCommon'],
  ['Yamada.Tarou@Example.com', 'passwordIsUserName'],
  ['seven tall ships', undefined],
  ['七つの高い船が港を出て行った', undefined],
])('password "%.20s": %s', (password, problem) => {
  expect(judgePassword(password, 'yamada.tarou@example.com')).toBe(problem);
});

test('a password that the rules allow can be hashed', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), fc.string(), (password, userName) => {
      if (judgePassword(password, userName) === undefined) expect(passwordBytes(password)).toBeDefined();
    }),
  );
});

test('every common password of the list is found, and is long enough to matter', () => {
  for (const password of commonPasswords) {
    expect(localNameOf(password)).toBe(password);
    expect(password.length).toBeGreaterThanOrEqual(12);
  }
});

test('generated passwords follow the rules and do not repeat', () => {
  const made = Array.from({ length: 200 }, generatedPassword);
  expect(new Set(made).size).toBe(made.length);
  for (const password of made) expect(judgePassword(password, 'admin')).toBeUndefined();
});

test('a typed name is shown short and without anything that disturbs a list', () => {
  const disturbing = fc.constantFrom(
    'a',
    'é',
    '漢',
    '😀',
    '\0',
    '\n',
    '\u001b',
    '\u202e',
    '\u2028',
    '\ud800',
  );
  fc.assert(
    fc.property(fc.string({ unit: disturbing, maxLength: 400 }), (typed) => {
      const shown = shownName(typed);
      expect([...shown].length).toBeLessThanOrEqual(100);
      expect(shown).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      expect(shown.isWellFormed()).toBe(true);
    }),
  );
});
