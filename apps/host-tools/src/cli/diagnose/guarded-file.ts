import { closeSync, constants, fstatSync, openSync, readdirSync, readSync } from 'node:fs';

const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;

/**
 * Reads the end of a file below a directory in which containers write, as root of the host: no link on the way is followed, and
 * nothing but a plain file is read. Undefined when it is not there; throws for anything else.
 */
export function readGuarded(
  directory: string,
  names: readonly string[],
  mostBytes: number,
): string | undefined {
  return below(directory, names.slice(0, -1), (parent) => {
    // Opening a pipe would wait for its other end.
    const file = openSync(`${parent}/${names.at(-1)}`, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    try {
      const found = fstatSync(file);
      if (!found.isFile()) throw new Error('it is no plain file');
      const length = Math.min(found.size, mostBytes);
      const bytes = Buffer.alloc(length);
      const read = readSync(file, bytes, 0, length, found.size - length);
      return bytes.toString('utf8', 0, read);
    } finally {
      closeSync(file);
    }
  });
}

/** Names in such a directory; none when it is not there. */
export function listGuarded(directory: string, names: readonly string[]): string[] {
  return below(directory, names, (parent) => readdirSync(parent).sort()) ?? [];
}

/** Goes from directory to directory by descriptors, so that none can be exchanged for a link on the way. */
function below<Result>(
  directory: string,
  names: readonly string[],
  use: (path: string) => Result,
): Result | undefined {
  const opened: number[] = [];
  try {
    let path = directory;
    for (const name of ['', ...names]) {
      const descriptor = openSync(
        name === '' ? path : `${path}/${name}`,
        O_RDONLY | O_DIRECTORY | O_NOFOLLOW,
      );
      opened.push(descriptor);
      path = `/proc/self/fd/${descriptor}`;
    }
    return use(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  } finally {
    for (const descriptor of opened) closeSync(descriptor);
  }
}
