import { constants } from 'node:fs';
import { access, readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Finding, Findings } from '@culvert/contracts';

/** Everything here is a certificate, a key or a list of accounts; more is a wrong path such as a disk. */
const largestFile = 16 * 1024 * 1024;

/** Reads a file that the configuration names; undefined, with a problem, when that cannot be done. */
export async function readNamedFile(
  path: string,
  field: string,
  findings: Findings,
): Promise<Buffer | undefined> {
  try {
    const { size } = await stat(path);
    if (size > largestFile) {
      findings.problems.push({
        path: field,
        message: `${path} has ${size} bytes; at most ${largestFile} are allowed`,
      });
      return undefined;
    }
    return await readFile(path);
  } catch (error) {
    findings.problems.push({ path: field, message: `${path} ${explainFileError(error)}` });
    return undefined;
  }
}

/** Warns when others than the owner and its group may read a secret. */
export async function warnIfWorldReadable(path: string, field: string, findings: Findings): Promise<void> {
  const mode = await stat(path).then(
    (status) => status.mode,
    () => 0,
  );
  if ((mode & 0o004) !== 0) {
    findings.warnings.push({
      path: field,
      message: `${path} can be read by everybody on this host; run "chmod 600 ${path}"`,
    });
  }
}

/** `sun_path` of Linux has 108 bytes with the final NUL (unix(7)). */
export const longestSocketPath = 107;
const longestSocketName = 'run/gateway.sock';

/** Why the state directory cannot be used. Nothing is created: `check` must not change the host. */
export async function explainStateDirectory(directory: string): Promise<string | undefined> {
  const socket = resolve(directory, longestSocketName);
  const bytes = Buffer.byteLength(socket);
  if (bytes > longestSocketPath) {
    const allowed = longestSocketPath - Buffer.byteLength(`/${longestSocketName}`);
    return `too long for unix sockets: ${directory} has ${Buffer.byteLength(directory)} bytes, at most ${allowed} are allowed`;
  }
  let existing = directory;
  for (;;) {
    try {
      const status = await stat(existing);
      if (!status.isDirectory()) return `${existing} is not a directory`;
      await access(existing, constants.W_OK | constants.X_OK);
      return undefined;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT' || existing === dirname(existing))
        return `${existing} ${explainFileError(error)}`;
      existing = dirname(existing);
    }
  }
}

/** A system error of a file as the end of a sentence. */
export function explainFileError(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  switch (code) {
    case 'ENOENT':
      return 'does not exist';
    case 'EACCES':
    case 'EPERM':
      return 'may not be used by this process: check the permissions of the file and its directories';
    case 'EISDIR':
      return 'is a directory; a file is needed';
    case 'ENOTDIR':
      return 'lies below something that is not a directory';
    default:
      return `cannot be used: ${message}`;
  }
}

/** A finding about what stands in a file. */
export function aboutFile(field: string, file: string, message: string): Finding {
  return { path: field, message: `${file}: ${message}` };
}
