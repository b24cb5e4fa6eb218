import { randomUUID } from 'node:crypto';
import { link, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { hashPassword, longestPasswordBytes, passwordBytes } from '@culvert/passwords/hash.ts';
import { formatPasswordHash } from '@culvert/passwords/phc.ts';
import { explainAccountName, parseAccounts, withAccount } from './accounts.ts';

/** NIST SP 800-63B §5.1.1.2: passwords that people choose have at least 8 characters. */
export const shortestPassword = 8;

export type EditResult =
  | { ok: true; change: 'added' | 'changed' | 'deleted' }
  | { ok: false; message: string };

/** Adds an account or changes its password. The file is replaced as a whole, mode 0600. */
export async function setPassword(file: string, name: string, password: string): Promise<EditResult> {
  const account = name.normalize('NFC');
  const mistake = explainAccountName(account);
  if (mistake !== undefined) return { ok: false, message: mistake };
  const bytes = passwordBytes(password);
  if ([...password].length < shortestPassword || bytes === undefined) {
    return {
      ok: false,
      message: `a password has at least ${shortestPassword} characters and at most ${longestPasswordBytes} bytes`,
    };
  }
  const hash = formatPasswordHash(await hashPassword(bytes));
  return edit(file, (text) => {
    const change = parseAccounts(text).hashes.has(account) ? 'changed' : 'added';
    return { text: withAccount(text, account, hash), result: { ok: true, change } };
  });
}

/** Deletes an account. */
export async function deleteAccount(file: string, name: string): Promise<EditResult> {
  const account = name.normalize('NFC');
  return edit(file, (text) =>
    text.split('\n').some((line) => line.startsWith(`${account}:`))
      ? { text: withAccount(text, account, undefined), result: { ok: true, change: 'deleted' } }
      : { result: { ok: false, message: `there is no account "${account}"` } },
  );
}

type Edit = (text: string) => { text?: string; result: EditResult };

async function edit(file: string, change: Edit): Promise<EditResult> {
  const release = await lock(`${file}.lock`);
  if (release === undefined)
    return { ok: false, message: `${file}.lock is held by another command; try again` };
  try {
    const { text, result } = change(await readIfThere(file));
    if (text !== undefined) await replaceFile(file, text);
    return result;
  } finally {
    await release();
  }
}

async function readIfThere(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
}

/** Readers see the old file or the new one, never a part; after a power cut too. */
async function replaceFile(file: string, text: string): Promise<void> {
  const temporary = `${file}.new`;
  const handle = await open(temporary, 'w', 0o600);
  try {
    await handle.chmod(0o600);
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
}

const lockPatience = 5000;
const lockRetry = 20;

/**
 * Node has no flock: the lock is a file that holds the owner's process id, so that one left by a crash can be told.
 * It is linked into place with its content, because an empty lock could belong to anyone.
 */
async function lock(path: string): Promise<(() => Promise<void>) | undefined> {
  const own = `${path}.${process.pid}.${randomUUID()}`;
  await writeFile(own, String(process.pid), { mode: 0o600 });
  try {
    const deadline = Date.now() + lockPatience;
    while (Date.now() < deadline) {
      if (await linkTo(own, path)) return () => rm(path, { force: true });
      if (!(await takeFromTheDead(path))) await sleep(lockRetry);
    }
    return undefined;
  } finally {
    await rm(own, { force: true });
  }
}

async function linkTo(own: string, path: string): Promise<boolean> {
  try {
    await link(own, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function takeFromTheDead(path: string): Promise<boolean> {
  if (!(await belongsToTheDead(path))) return false;
  // One at a time, who looks again: a lock that somebody has got since the first look must stay.
  const release = await lock(`${path}.dead`);
  if (release === undefined) return false;
  try {
    if (await belongsToTheDead(path)) await rm(path, { force: true });
    return true;
  } finally {
    await release();
  }
}

async function belongsToTheDead(path: string): Promise<boolean> {
  const owner = Number(await readIfThere(path));
  return Number.isInteger(owner) && owner > 0 && !isAlive(owner);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
