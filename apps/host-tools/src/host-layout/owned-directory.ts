import { closeSync, constants, fchmodSync, fchownSync, mkdirSync, openSync } from 'node:fs';
import { Failure } from '../program/failure.ts';

/** Who a directory belongs to, and what they may do in it. */
export interface Ownership {
  userId: number;
  groupId: number;
  mode: number;
}

/**
 * Makes a directory, or gives one that is there its owner and mode. A link in its place is refused: it may have been put there to
 * give away something else of the host.
 */
export function ensureDirectory(directory: string, { userId, groupId, mode }: Ownership): void {
  try {
    mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw explain(directory, error);
  }
  let descriptor: number;
  try {
    descriptor = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  } catch (error) {
    throw explain(directory, error);
  }
  try {
    fchownSync(descriptor, userId, groupId);
    // After the owner, because a change of that takes bits away.
    fchmodSync(descriptor, mode);
  } finally {
    closeSync(descriptor);
  }
}

function explain(directory: string, error: unknown): Failure {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOTDIR' || code === 'ELOOP') {
    return new Failure(
      {
        en: `${directory} is there already and is no directory. Remove it, and run this again.`,
        ja: `${directory} が既に存在しますが、ディレクトリではありません。削除してから、もう一度実行してください。`,
      },
      { cause: error },
    );
  }
  if (code === 'ENOSPC') {
    return new Failure(
      {
        en: `The disk is full: ${directory} cannot be made. Make room, and run this again.`,
        ja: `ディスクの空き領域がないため、${directory} を作成できません。空き領域を確保してから、もう一度実行してください。`,
      },
      { cause: error },
    );
  }
  return new Failure(
    { en: `${directory} cannot be made: ${message}`, ja: `${directory} を作成できません: ${message}` },
    { cause: error },
  );
}
