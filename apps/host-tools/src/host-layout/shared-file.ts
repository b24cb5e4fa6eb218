import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { Failure } from '../program/failure.ts';

const largestBytes = 1 << 20;

/**
 * Reads a file of the directory that containers write to, as root of the host: no link is followed, and nothing but a plain file of
 * ordinary size is read. Undefined when there is none. Throws a Failure otherwise; its text never holds what stands in the file.
 */
export function readSharedFile(
  file: string,
  { isOfRoot = false }: { isOfRoot?: boolean } = {},
): string | undefined {
  const descriptor = open(file);
  if (descriptor === undefined) return undefined;
  try {
    const found = fstatSync(descriptor);
    if (!found.isFile() || found.size > largestBytes)
      throw refuse(
        file,
        'it is no plain file of a usual size',
        'サイズが通常の範囲にある通常のファイルではありません',
      );
    if (isOfRoot && found.uid !== 0 && found.uid !== process.getuid?.()) {
      throw refuse(
        file,
        `it belongs to the user ${found.uid}, and only root may write it; if its content is yours, run: chown root ${file}`,
        `所有者がユーザー ${found.uid} です。root だけが変更できるファイルでなければなりません。内容に問題がなければ、次を実行してください: chown root ${file}`,
      );
    }
    return readFileSync(descriptor, 'utf8');
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Replaces a file of that directory: a reader sees the old one or the new one. A link of this name is replaced, not followed.
 * `mode` is that of the new file, and `groupId` its group where that is not root's.
 */
export function writeSharedFile(file: string, text: string, mode: number, groupId?: number): void {
  // Nobody can guess the name, and `wx` refuses what is there.
  const draft = `${file}.${randomBytes(8).toString('hex')}`;
  const descriptor = openSync(draft, 'wx', 0o600);
  try {
    try {
      writeFileSync(descriptor, text);
      if (groupId !== undefined) fchownSync(descriptor, 0, groupId);
      fchmodSync(descriptor, mode);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

function open(file: string): number | undefined {
  try {
    // Opening a pipe would wait for its other end.
    return openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const { code = 'error' } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    if (code === 'ELOOP') throw refuse(file, 'it is a link', 'リンクです');
    throw refuse(file, `it cannot be opened (${code})`, `開けません (${code})`);
  }
}

function refuse(file: string, reason: string, reasonInJapanese: string): Failure {
  return new Failure({
    en: `${file} is not read: ${reason}.`,
    ja: `${file} を読み取れません: ${reasonInJapanese}。`,
  });
}
