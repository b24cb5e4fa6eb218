import { open, readFile, rename, rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { explainAccountName, parseAccounts, withAccount } from './accounts.ts';
import { hashPassword, longestPasswordBytes, passwordBytes } from './hash.ts';
import { formatPasswordHash } from './phc.ts';

/** NIST SP 800-63B §5.1.1.2: passwords that people choose have at least 8 characters. */
export const shortestPassword = 8;

export type EditResult = { ok: true; change: 'added' | 'changed' | 'deleted' } | { ok: false; message: string };

/** Adds an account or changes its password. The file is replaced as a whole, mode 0600. */
export async function setPassword(file: string, name: string, password: string): Promise<EditResult> {
  const account = name.normalize('NFC');
  const mistake = explainAccountName(account);
  if (mistake !== undefined) return { ok: false, message: mistake };
  const bytes = passwordBytes(password);
  if ([...password].length < shortestPassword || bytes === undefined) {
    return { ok: false, message: `a password has at least ${shortestPassword} characters and at most ${longestPasswordBytes} bytes` };
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
  return edit(file, (text) => {
    const next = withAccount(text, account, undefined);
    return next === withAccount(text, '', undefined) && !text.includes(`${account}:`)
      ? { result: { ok: false, message: `there is no account "${account}"` } }
      : { text: next, result: { ok: true, change: 'deleted' } };
  });
}

type Edit = (text: string) => { text?: string; result: EditResult };

async function edit(file: string, change: Edit): Promise<EditResult> {
  const release = await lock(`${file}.lock`);
  if (release === undefined) return { ok: false, message: `${file}.lock is held by another command; try again` };
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

/** Node has no flock: the lock is a file that holds the owner's process id, so that one left by a crash can be told. */
async function lock(path: string): Promise<(() => Promise<void>) | undefined> {
  const deadline = Date.now() + lockPatience;
  while (Date.now() < deadline) {
    try {
      const handle = await open(path, 'wx', 0o600);
      await handle.writeFile(String(process.pid));
      await handle.close();
      return () => rm(path, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      if (!(await takeFromTheDead(path))) await sleep(lockRetry);
    }
  }
  return undefined;
}

async function takeFromTheDead(path: string): Promise<boolean> {
  const owner = Number(await readIfThere(path));
  if (!Number.isInteger(owner) || owner <= 0 || isAlive(owner)) return false;
  // Renaming is atomic, so of several that saw the dead owner only one removes this very lock.
  const aside = `${path}.${process.pid}`;
  await rename(path, aside).catch(() => {});
  await rm(aside, { force: true });
  return true;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
