import { randomInt } from 'node:crypto';

/** Letters and digits that nobody takes for one another when reading aloud or from paper. */
const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789';

/** A password for the first sign-in: twenty letters in groups, 99 random bits. */
export function generatedPassword(): string {
  return randomText(20, 5);
}

/** Random letters in groups with hyphens between them. */
export function randomText(letters: number, group: number): string {
  const text = Array.from({ length: letters }, () => alphabet[randomInt(alphabet.length)]).join('');
  return (text.match(new RegExp(`.{1,${group}}`, 'g')) ?? []).join('-');
}
