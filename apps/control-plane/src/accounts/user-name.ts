export const localUserNameRule =
  'use up to 100 letters, digits and . _ @ + - and begin with a letter or digit';

/** True for a name that a local account may have. */
export function isLocalUserName(text: string): boolean {
  return /^[\p{L}\p{N}][\p{L}\p{M}\p{N}._@+-]{0,99}$/u.test(text);
}
