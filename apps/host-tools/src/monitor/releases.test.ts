import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  compareVersions,
  ReleaseError,
  releaseDescriptionSchema,
  releasesIn,
  repositoryAsRelease,
} from './releases.ts';
import { repositoryRelease } from './repository.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'releases-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const engineDigest = createHash('sha256').update('engine').digest('hex');
const description = {
  version: '1.2.0',
  programs: { gateway: ['node', '--use-something', 'gateway.ts'], agent: ['node', 'agent.ts'] },
  engine: 'engine',
  engineDigest,
};

function put(change: Record<string, unknown> = {}): string {
  const place = join(directory, '1.2.0');
  mkdirSync(place);
  for (const name of ['node', 'engine']) writeFileSync(join(place, name), name, { mode: 0o755 });
  for (const name of ['gateway.ts', 'agent.ts']) writeFileSync(join(place, name), '');
  writeFileSync(join(place, 'release.json'), JSON.stringify({ ...description, ...change }));
  return place;
}

const load = () => releasesIn(directory).load('1.2.0');

describe('a release', () => {
  test('has its programs and its engine inside, and options stay as they are', async () => {
    const place = put();
    expect(await load()).toEqual({
      version: '1.2.0',
      directory: place,
      commands: {
        gateway: [join(place, 'node'), '--use-something', join(place, 'gateway.ts')],
        agent: [join(place, 'node'), join(place, 'agent.ts')],
      },
      engine: join(place, 'engine'),
    });
  });

  test('that is not there is told with the place for it', async () => {
    await expect(load()).rejects.toThrow(
      `put it to ${directory}/1.2.0, with its ${directory}/1.2.0/release.json`,
    );
  });

  test.each([
    ['another version', { version: '1.3.0' }, 'says version 1.3.0'],
    [
      'a program outside',
      { programs: { ...description.programs, agent: ['/bin/sh'] } },
      'inside the release',
    ],
    [
      'a way out',
      { programs: { ...description.programs, agent: ['node', '../../x'] } },
      'inside the release',
    ],
    ['no program', { programs: { ...description.programs, agent: [] } }, 'release.json'],
    ['a missing file', { programs: { ...description.programs, agent: ['other'] } }, 'other is missing'],
    [
      'a program that is none',
      { programs: { ...description.programs, agent: ['agent.ts'] } },
      'cannot be run',
    ],
    ['another engine', { engineDigest: 'ab'.repeat(32) }, `has the digest ${engineDigest}`],
    ['an unknown key', { scripts: {} }, 'scripts'],
  ])('with %s is broken', async (_what, change, reason) => {
    put(change);
    await expect(load()).rejects.toThrow(reason);
    await expect(load()).rejects.toThrow(ReleaseError);
  });

  test('that is no JSON, or leads out by a link, is broken', async () => {
    const place = put();
    rmSync(join(place, 'agent.ts'));
    symlinkSync('/etc/hostname', join(place, 'agent.ts'));
    await expect(load()).rejects.toThrow('agent.ts leads out of it');
    writeFileSync(join(place, 'release.json'), '{');
    await expect(load()).rejects.toThrow(ReleaseError);
  });

  test('whose engine may not be run is broken', async () => {
    chmodSync(join(put(), 'engine'), 0o644);
    await expect(load()).rejects.toThrow('engine cannot be run');
  });

  test('names no path that leaves its directory, whatever is in it', () => {
    fc.assert(
      fc.property(fc.string(), (engine) => {
        const read = releaseDescriptionSchema.safeParse({ ...description, engine });
        if (read.success) expect(join('/r/1.2.0', engine).startsWith('/r/1.2.0')).toBe(true);
      }),
    );
  });
});

test('releases are listed oldest first, and nothing else that lies there', () => {
  for (const name of ['1.10.0', '1.9.0', '1.9.0-rc.2', '1.9.0-rc.10', 'latest', '.git'])
    mkdirSync(join(directory, name));
  expect(releasesIn(directory).versions()).toEqual(['1.9.0-rc.2', '1.9.0-rc.10', '1.9.0', '1.10.0']);
});

test('versions have one order', () => {
  const version = fc
    .tuple(
      fc.nat({ max: 20 }),
      fc.nat({ max: 20 }),
      fc.nat({ max: 20 }),
      fc.constantFrom('', '-rc.1', '-rc.2', '-a'),
    )
    .map(([major, minor, patch, suffix]) => `${major}.${minor}.${patch}${suffix}`);
  fc.assert(
    fc.property(version, version, version, (first, second, third) => {
      expect(Math.sign(compareVersions(first, second))).toBe(-Math.sign(compareVersions(second, first)) + 0);
      const [low, middle, high] = [first, second, third].toSorted(compareVersions);
      expect(compareVersions(low ?? '', high ?? '')).toBeLessThanOrEqual(0);
      expect(compareVersions(low ?? '', middle ?? '')).toBeLessThanOrEqual(0);
    }),
  );
});

test('a host without a directory of releases has the repository, and says what is missing for another', async () => {
  const releases = repositoryAsRelease(repositoryRelease());
  const [version = ''] = releases.versions();
  expect((await releases.load(version)).commands.gateway[1]).toMatch(/apps\/gateway\/src\/main\.ts$/);
  await expect(releases.load('99.0.0')).rejects.toThrow('--releases DIRECTORY');
});
