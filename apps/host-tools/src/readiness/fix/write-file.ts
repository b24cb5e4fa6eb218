import { promises as files } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { resolveBelow } from '../host/host-root.ts';

/** What was written: the file, and where its old text is kept when there was one. */
export type WrittenFile = Readonly<{ file: string; backup?: string }>;

/**
 * Gives a file below `root` a new text. The old file is kept beside it as `FILE.culvert-backup-TIMESTAMP`; a reader sees the old
 * text or the new one, and a power cut leaves one of them. Owner and mode stay. Throws what the file system says.
 */
export async function writeWithBackup(
  root: string,
  path: string,
  text: string,
  now: Date,
): Promise<WrittenFile> {
  const file = await resolveBelow(root, path);
  await files.mkdir(dirname(file), { recursive: true });
  const before = await statIfThere(file);
  const backup = before === undefined ? undefined : `${file}.culvert-backup-${timestamp(now)}`;
  if (backup !== undefined) await files.copyFile(file, backup, files.constants.COPYFILE_EXCL);
  const draft = join(dirname(file), `.${basename(file)}.culvert-${process.pid}`);
  try {
    await using handle = await files.open(draft, 'wx', 0o644);
    await handle.writeFile(text);
    if (before !== undefined) {
      await handle.chown(before.uid, before.gid);
      await handle.chmod(before.mode & 0o7777);
    }
    await handle.sync();
    await files.rename(draft, file);
  } catch (error) {
    await files.rm(draft, { force: true });
    throw error;
  }
  await using folder = await files.open(dirname(file), 'r');
  await folder.sync();
  return { file, ...(backup === undefined ? {} : { backup }) };
}

async function statIfThere(file: string) {
  try {
    return await files.stat(file);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** `20260131T235959`, so that copies sort by age and no name needs quotes. */
function timestamp(now: Date): string {
  return now.toISOString().slice(0, 19).replace(/[-:]/g, '');
}
