import { longestPasswordBytes, passwordBytes } from '@culvert/passwords/hash.ts';
import { localNameOf } from './account.ts';
import { commonPasswords } from './common-passwords.ts';

/** NIST SP 800-63B asks for eight with a second factor and fifteen without; the rules below keep twelve good ones. */
const fewestCharacters = 12;
/** `aaaaaaaaaaaa` and `121212121212` are long and yet the first that anybody tries. */
const fewestDifferent = 5;

/** What is wrong with a new password, each with its sentence. */
export const passwordProblems = {
  passwordTooShort: `use at least ${fewestCharacters} characters`,
  passwordTooLong: `use at most ${longestPasswordBytes} bytes, which is as many Latin letters`,
  passwordTooSimple: `use at least ${fewestDifferent} different characters`,
  passwordIsUserName: 'use something else than the user name',
  passwordIsCommon: 'this password is among those that attackers try first; use another one',
  passwordIsOld: 'use another password than the present one',
} as const;

export type PasswordProblem = keyof typeof passwordProblems;

/** Judges a new password by itself. Whether it is the old one only its hash can tell. */
export function judgePassword(password: string, userName: string): PasswordProblem | undefined {
  // Counting comes after the bound, so that a huge text costs nothing.
  if (password !== '' && passwordBytes(password) === undefined) return 'passwordTooLong';
  const characters = [...password.normalize('NFC')];
  if (characters.length < fewestCharacters) return 'passwordTooShort';
  const folded = localNameOf(password);
  if (folded === localNameOf(userName)) return 'passwordIsUserName';
  if (commonPasswords.has(folded)) return 'passwordIsCommon';
  return new Set(characters).size < fewestDifferent ? 'passwordTooSimple' : undefined;
}
