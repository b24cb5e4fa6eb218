import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cacheDirectory } from '../client/builds.ts';
import { execute } from '../system/command.ts';
import { makeDirectory } from '../system/run.ts';

/** The name of the base image in every private engine. */
export const baseImage = 'localhost/culvert-base:12';

/** What the images want of their base, so that building them needs no network. */
const packages = ['ca-certificates', 'iproute2', 'libatomic1', 'libstdc++6', 'nftables', 'tcpdump'];

/** Debian 12 as an archive, made once for each machine; about a minute. */
const name = 'container-base-bookworm.tar';

/** Makes the archive of the base image when the cache has none; resolves to its name there. */
export async function ensureBaseArchive(): Promise<string> {
  const archive = join(cacheDirectory, name);
  if (existsSync(archive)) return name;
  const work = makeDirectory('debootstrap');
  const tree = join(work, 'tree');
  const timeoutMilliseconds = 10 * 60_000;
  const words = ['--variant=minbase', `--include=${packages.join(',')}`, 'bookworm', tree];
  await execute(['debootstrap', ...words], { timeoutMilliseconds });
  // Neither belongs into an image: packages that are installed already, and lists of others that grow old.
  for (const path of ['var/cache/apt', 'var/lib/apt/lists', 'usr/share/doc', 'usr/share/man'])
    rmSync(join(tree, path), { recursive: true, force: true });
  mkdirSync(join(tree, 'var/cache/apt/archives/partial'), { recursive: true });
  mkdirSync(join(tree, 'var/lib/apt/lists/partial'), { recursive: true });
  mkdirSync(cacheDirectory, { recursive: true });
  // Only a whole archive has the name that the next run looks for.
  const unfinished = `${archive}.${process.pid}`;
  await execute(['tar', '--create', '--file', unfinished, '--directory', tree, '.'], { timeoutMilliseconds });
  renameSync(unfinished, archive);
  rmSync(work, { recursive: true, force: true });
  return name;
}
