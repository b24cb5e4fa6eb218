import { createHash } from 'node:crypto';
import { createReadStream, readdirSync } from 'node:fs';
import { access, constants, readFile, realpath } from 'node:fs/promises';
import { isAbsolute, join, resolve, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { versionSchema } from '@culvert/contracts';
import { z } from 'zod';

/** A release cannot be used; the message says why, and what to do. */
export class ReleaseError extends Error {
  override readonly name = 'ReleaseError';
}

/** A path below the directory of the release. */
const pathInside = z
  .string()
  .min(1)
  .max(500)
  .refine((path) => !isAbsolute(path) && !path.includes('\0') && !path.split('/').includes('..'), {
    error: 'expected a path inside the release',
  });

/** A program and its first parameters; each one that does not begin with - is a path inside the release. */
const programSchema = z
  .array(z.string().min(1).max(500))
  .min(1)
  .refine(
    (words) => words.every((word, index) => isOption(word, index) || pathInside.safeParse(word).success),
    {
      error: 'expected paths inside the release, and options',
    },
  );

/** `RELEASES/VERSION/release.json`. */
export const releaseDescriptionSchema = z.strictObject({
  version: versionSchema,
  programs: z.strictObject({ gateway: programSchema, agent: programSchema }),
  engine: pathInside,
  /** SHA-256 of the engine, lower-case hex. */
  engineDigest: z.string().regex(/^[0-9a-f]{64}$/, { error: 'expected the SHA-256 of the engine in hex' }),
});

/** A release that can be run. */
export interface Release {
  version: string;
  directory: string;
  commands: { gateway: readonly string[]; agent: readonly string[] };
  /** Path of its engine; undefined leaves the choice to the gateway. */
  engine: string | undefined;
}

/** Where the releases of a host are. */
export interface Releases {
  /** Versions that are there, oldest first. */
  versions(): string[];
  /** Rejects with a `ReleaseError`. */
  load(version: string): Promise<Release>;
}

/** Releases below a directory, each in one of the name of its version. */
export function releasesIn(directory: string): Releases {
  return {
    versions: () =>
      readdirSync(directory, { withFileTypes: true })
        .filter((entry) => entry.isDirectory() && versionSchema.safeParse(entry.name).success)
        .map(({ name }) => name)
        .toSorted(compareVersions),
    load: (version) => loadRelease(directory, version),
  };
}

/** The repository as the only release, for `npm start`. */
export function repositoryAsRelease(release: Release): Releases {
  return {
    versions: () => [release.version],
    load: async (version) => {
      if (version === release.version) return release;
      throw new ReleaseError(
        `there is no release ${version}: this host runs ${release.version} from ${release.directory} and has no directory of releases; start the monitor with --releases DIRECTORY`,
      );
    },
  };
}

/** By the numbers of the version; one with a suffix comes before the one without (semver.org §11). */
export function compareVersions(left: string, right: string): number {
  const [leftNumbers, leftSuffix] = parts(left);
  const [rightNumbers, rightSuffix] = parts(right);
  for (const [index, number] of leftNumbers.entries()) {
    const difference = number - (rightNumbers[index] ?? 0);
    if (difference !== 0) return difference;
  }
  if (leftSuffix === rightSuffix) return 0;
  if (leftSuffix === '') return 1;
  if (rightSuffix === '') return -1;
  return leftSuffix.localeCompare(rightSuffix, 'en', { numeric: true });
}

function parts(version: string): [number[], string] {
  const end = version.indexOf('-');
  const numbers = end < 0 ? version : version.slice(0, end);
  return [numbers.split('.').map(Number), end < 0 ? '' : version.slice(end + 1)];
}

async function loadRelease(directory: string, version: string): Promise<Release> {
  const place = join(directory, version);
  const file = join(place, 'release.json');
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error;
    throw new ReleaseError(
      `there is no release ${version} on this host; put it to ${place}, with its ${file}`,
    );
  });
  const broken = (reason: string) =>
    new ReleaseError(`the release ${version} in ${place} is broken: ${reason}; put it there again`);
  const read = releaseDescriptionSchema.safeParse(parseJson(text));
  if (!read.success) throw broken(`release.json: ${z.prettifyError(read.error)}`);
  const description = read.data;
  if (description.version !== version) throw broken(`release.json says version ${description.version}`);

  const root = await realpath(place);
  /** The real place of a path, which may lead out of the release by a link. */
  const inside = async (path: string, mode: number) => {
    const real = await realpath(resolve(root, path)).catch(() => undefined);
    if (real === undefined) throw broken(`${path} is missing`);
    if (!real.startsWith(root + sep)) throw broken(`${path} leads out of it`);
    await access(real, mode).catch(() => {
      throw broken(`${path} cannot be ${mode === constants.X_OK ? 'run' : 'read'}`);
    });
    return real;
  };
  const command = (words: readonly string[]) =>
    Promise.all(
      words.map((word, index) =>
        isOption(word, index) ? word : inside(word, index === 0 ? constants.X_OK : constants.R_OK),
      ),
    );
  const engine = await inside(description.engine, constants.X_OK);
  const digest = await fileDigest(engine);
  if (digest !== description.engineDigest) {
    throw broken(`${description.engine} has the digest ${digest} and not ${description.engineDigest}`);
  }
  const { gateway, agent } = description.programs;
  const commands = { gateway: await command(gateway), agent: await command(agent) };
  return { version, directory: root, commands, engine };
}

function isOption(word: string, index: number): boolean {
  return index > 0 && word.startsWith('-');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The schema says what is expected.
    return undefined;
  }
}

async function fileDigest(file: string): Promise<string> {
  const digest = createHash('sha256');
  await pipeline(createReadStream(file), digest);
  return digest.digest('hex');
}
