import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ApiError } from '../http/errors.ts';

/** A file that can be downloaded. */
export interface Download {
  name: string;
  sizeInBytes: number;
  /** In lower-case hexadecimal. */
  sha256: string;
}

/** A directory with files for download. They may be replaced at any time. */
export class DownloadsDirectory {
  readonly #path: string;
  readonly #names: readonly string[];
  /** By the state of the file, so that each is read once, also when it has several names. */
  readonly #digests = new Map<string, Promise<string>>();

  /** Of the files there only those with one of `names` are downloads. */
  constructor(path: string, names: readonly string[]) {
    this.#path = path;
    this.#names = names;
  }

  /** Those that are there, in the order of the names. */
  async list(): Promise<Download[]> {
    const states = await Promise.all(this.#names.map((name) => this.#stateOf(name)));
    const current = new Set(states.flatMap((state) => (state === undefined ? [] : [state.key])));
    for (const key of this.#digests.keys()) if (!current.has(key)) this.#digests.delete(key);
    const found: Download[] = [];
    // One after the other: reading large files side by side only makes the disk slower.
    for (const state of states) {
      if (state === undefined) continue;
      found.push({
        name: state.name,
        sizeInBytes: state.sizeInBytes,
        sha256: await this.#digestOf(state),
      });
    }
    return found;
  }

  /** True when there is a file for download of that name. */
  async has(name: string): Promise<boolean> {
    return this.#names.includes(name) && (await this.#stateOf(name)) !== undefined;
  }

  async #stateOf(name: string): Promise<FileState | undefined> {
    try {
      // Of the file itself, where the name is a link.
      const stats = await stat(join(this.#path, name));
      const { dev, ino, size, mtimeMs } = stats;
      return stats.isFile() ? { name, key: [dev, ino, size, mtimeMs].join(), sizeInBytes: size } : undefined;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
      throw error;
    }
  }

  #digestOf(state: FileState): Promise<string> {
    const known = this.#digests.get(state.key);
    if (known !== undefined) return known;
    const digest = this.#computeDigest(state);
    this.#digests.set(state.key, digest);
    digest.catch(() => this.#digests.delete(state.key));
    return digest;
  }

  async #computeDigest({ name, key }: FileState): Promise<string> {
    const hash = createHash('sha256');
    await pipeline(createReadStream(join(this.#path, name)), hash);
    // What was written meanwhile may be in it or not.
    if ((await this.#stateOf(name))?.key !== key) {
      throw new ApiError(
        'ServiceUnavailable',
        `${name} is being replaced at this moment; try again shortly`,
        {
          retryAfter: 5,
        },
      );
    }
    return hash.digest('hex');
  }
}

interface FileState {
  name: string;
  /** Another one when the file has changed. */
  key: string;
  sizeInBytes: number;
}
