import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheDirectory } from '../client/builds.ts';
import type { CommandResult } from '../system/command.ts';
import { baseImage } from './base-image.ts';
import type { Engine } from './engine.ts';

const repository = fileURLToPath(new URL('../../..', import.meta.url));
const node = join(repository, 'node_modules/.bin/node');

/** The version of the images that `ensureImages` makes. */
export const imageVersion: string = JSON.parse(
  readFileSync(join(repository, 'package.json'), 'utf8'),
).version;

/** Everything that the images are made from. */
const sources = [
  'apps/agent/src',
  'apps/gateway/src',
  'deploy/containers',
  'engine/target/release/culvert-engine',
  'package-lock.json',
  'packages',
  'scripts',
];
const dayMilliseconds = 86_400_000;

/** Builds the images with this engine by `npm run build:images`; the base image must be there. */
export function buildImages(engine: Engine, ...options: string[]): Promise<CommandResult> {
  const script = join(repository, 'scripts/build-images.mjs');
  const words = ['--engine', engine.kind, '--base', baseImage, ...options];
  // Cargo and strip are not where Debian keeps its programs; the pinned Node comes first.
  const path = `${join(repository, 'node_modules/.bin')}:/usr/sbin:/usr/bin:/sbin:/bin:${process.env.PATH}`;
  return engine.host.run([node, script, ...words], {
    directory: repository,
    environment: { PATH: path },
    timeoutMilliseconds: 10 * 60_000,
  });
}

/**
 * Makes sure that the engine has `mstunnel-server` and `mstunnel-agent` of the version. An archive of them is kept in the cache
 * for as long as nothing of what they are made from changes, because each test file has an engine of its own.
 */
export async function ensureImages(engine: Engine, version = imageVersion): Promise<void> {
  const name = `images-${version}-${digestOfSources()}.tar`;
  const archive = join(cacheDirectory, name);
  if (existsSync(archive)) {
    utimesSync(archive, new Date(), new Date());
    return engine.load(join(engine.host.cache, name));
  }
  await engine.importBase();
  removeOldArchives();
  const unfinished = `${name}.${process.pid}`;
  await buildImages(engine, '--version', version, '--archive', join(engine.host.cache, unfinished));
  renameSync(join(cacheDirectory, unfinished), archive);
}

function digestOfSources(): string {
  const digest = createHash('sha256');
  for (const source of sources) addFiles(digest, source);
  return digest.digest('hex').slice(0, 32);
}

function addFiles(digest: ReturnType<typeof createHash>, place: string): void {
  const path = join(repository, place);
  if (!statSync(path).isDirectory()) {
    digest.update(`${place}\0`).update(readFileSync(path));
    return;
  }
  for (const name of readdirSync(path).sort()) {
    if (name !== 'node_modules' && !name.endsWith('.test.ts')) addFiles(digest, join(place, name));
  }
}

/** Each is a third of a gigabyte. */
function removeOldArchives(): void {
  for (const name of readdirSync(cacheDirectory)) {
    const file = join(cacheDirectory, name);
    if (name.startsWith('images-') && Date.now() - statSync(file).mtimeMs > dayMilliseconds)
      rmSync(file, { force: true });
  }
}
