import { stat } from 'node:fs/promises';
import type { StandaloneConfiguration } from '@culvert/contracts';

/** Files whose change means a new site certificate. */
export function certificateFiles(tls: StandaloneConfiguration['tls']): string[] {
  return Object.values(tls).filter((path): path is string => typeof path === 'string');
}

/**
 * Tells when files have changed and then rested for one look, so that a certificate and its key that are copied one after
 * the other count as one change. Polling sees replaced symbolic links (ACME clients), which file watching does not.
 */
export class RestedChange {
  #reported: string | undefined;
  #seen: string | undefined;

  /** Takes what the files look like now; true when there is a change to act on. */
  look(appearance: string): boolean {
    const rested = appearance === this.#seen;
    this.#seen = appearance;
    if (this.#reported === undefined) this.#reported = appearance;
    if (!rested || appearance === this.#reported) return false;
    this.#reported = appearance;
    return true;
  }
}

/** Versions of the files as one text; a missing file has one too. */
export async function appearanceOf(files: string[]): Promise<string> {
  const versions = files.map((file) =>
    stat(file, { bigint: true }).then(
      ({ mtimeNs, size, ino }) => `${file} ${mtimeNs} ${size} ${ino}`,
      () => `${file} missing`,
    ),
  );
  return (await Promise.all(versions)).join('\n');
}
