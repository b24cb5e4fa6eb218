import { type PasswordHash, parsePasswordHash } from '@culvert/passwords/phc.ts';

/** The accounts of a users file, and the lines that could not be read. */
export interface Accounts {
  hashes: Map<string, PasswordHash>;
  /** Sentences that name the line, never its content: it may hold a password by mistake. */
  problems: string[];
}

/** Letters and digits of every script, and the signs that stand in user names and e-mail addresses. */
const accountName = /^[\p{L}\p{N}_][\p{L}\p{M}\p{N}._@+-]{0,63}$/u;

/** Why this cannot be the name of an account; undefined when it can. */
export function explainAccountName(name: string): string | undefined {
  if (name.length === 0 || name.length > 64) return 'a name has 1 to 64 characters';
  if (accountName.test(name)) return undefined;
  return 'a name consists of letters, digits and . _ @ + -, and begins with a letter, a digit or _';
}

/** Reads `name:hash` lines; empty lines and lines that begin with # are left alone. */
export function parseAccounts(text: string): Accounts {
  const accounts: Accounts = { hashes: new Map(), problems: [] };
  for (const [index, line] of text.split('\n').entries()) {
    const parsed = parseLine(line);
    if (parsed === undefined) continue;
    const where = `line ${index + 1}`;
    if (typeof parsed === 'string') accounts.problems.push(`${where}: ${parsed}`);
    else if (accounts.hashes.has(parsed.name)) {
      accounts.problems.push(`${where}: the account "${parsed.name}" is there twice`);
    } else accounts.hashes.set(parsed.name, parsed.hash);
  }
  return accounts;
}

/** The text with the account's line replaced, added, or (`hash` undefined) removed; every other line stays. */
export function withAccount(text: string, name: string, hash: string | undefined): string {
  const lines = text.split('\n').filter((line, index, all) => line !== '' || index < all.length - 1);
  const at = lines.findIndex((line) => line.startsWith(`${name}:`));
  if (hash === undefined)
    return lines
      .filter((line) => !line.startsWith(`${name}:`))
      .map((line) => `${line}\n`)
      .join('');
  const entry = `${name}:${hash}`;
  const next = at === -1 ? [...lines, entry] : lines.with(at, entry);
  return next.map((line) => `${line}\n`).join('');
}

function parseLine(line: string): { name: string; hash: PasswordHash } | string | undefined {
  const text = line.trimEnd();
  if (text === '' || text.startsWith('#')) return undefined;
  const colon = text.indexOf(':');
  if (colon === -1) return 'expected "name:$argon2id$…"; add accounts with "npm run gateway -- passwd"';
  const name = text.slice(0, colon).normalize('NFC');
  const mistake = explainAccountName(name);
  if (mistake !== undefined) return mistake;
  const hash = parsePasswordHash(text.slice(colon + 1));
  return hash === undefined
    ? `the password of "${name}" is not an argon2id hash; set it with "npm run gateway -- passwd"`
    : { name, hash };
}
