import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hostBelow } from '../host-root.ts';
import type { HostView, ProgramOutput } from '../host-view.ts';

const fixtures = join(import.meta.dirname, '..', 'fixtures');

/** A distribution of the tests: the folder of its files, and what differs from others of that folder. */
export type FixtureDistribution = Readonly<{
  name: string;
  folder: string;
  /** Which `os-release` of the folder. */
  release: 'rhel' | 'centos' | 'ubuntu' | 'debian';
  version: string;
  engine: 'docker' | 'podman';
  engineVersion: string;
}>;

const redHat = (version: string, engineVersion: string): FixtureDistribution => ({
  name: `RHEL ${version}`,
  folder: `red-hat-${version.split('.')[0]}`,
  release: 'rhel',
  version,
  engine: version.startsWith('7') ? 'docker' : 'podman',
  engineVersion,
});
const ubuntu = (version: string, engineVersion: string): FixtureDistribution => ({
  name: `Ubuntu ${version}`,
  folder: 'ubuntu',
  release: 'ubuntu',
  version,
  engine: 'docker',
  engineVersion,
});

/** Every distribution of the support matrix, and Debian, which is not in it. */
export const fixtureDistributions: readonly FixtureDistribution[] = [
  { ...redHat('7.9', '20.10.24'), name: 'CentOS 7.9', release: 'centos' },
  redHat('7.4', '19.03.15'),
  redHat('7.9', '24.0.7'),
  redHat('8.6', '4.0.2'),
  redHat('8.7', '4.2.0'),
  redHat('8.8', '4.4.1'),
  redHat('8.9', '4.4.1'),
  redHat('8.10', '4.9.4-rhel'),
  redHat('9.0', '4.4.1'),
  redHat('9.1', '4.4.1'),
  redHat('9.2', '4.4.1'),
  redHat('9.3', '4.6.1'),
  redHat('9.4', '4.9.4-rhel'),
  redHat('9.5', '5.2.2'),
  redHat('9.6', '5.4.0'),
  redHat('9.7', '5.8.2'),
  redHat('9.8', '5.8.2'),
  redHat('10.0', '5.4.0'),
  redHat('10.1', '5.6.0'),
  redHat('10.2', '5.8.0'),
  ubuntu('18.04', '20.10.21'),
  ubuntu('20.04', '24.0.7'),
  ubuntu('22.04', '27.3.1'),
  ubuntu('24.04', '28.2.2'),
  ubuntu('26.04', '29.1.0'),
  {
    name: 'Debian 12',
    folder: 'debian',
    release: 'debian',
    version: '12',
    engine: 'docker',
    engineVersion: '20.10.24+dfsg1',
  },
];

/** The distribution of the tests with a name. */
export function fixture(name: string): FixtureDistribution {
  const found = fixtureDistributions.find((distribution) => distribution.name === name);
  if (found === undefined) throw new Error(`there is no fixture ${name}`);
  return found;
}

/** Makes the tree of a distribution in a temporary directory, which goes away with `[Symbol.dispose]`. */
export function makeTree({ folder, release, version }: FixtureDistribution): { root: string } & Disposable {
  const root = mkdtempSync(join(tmpdir(), 'culvert-host-'));
  for (const source of ['common', folder]) {
    cpSync(join(fixtures, source), root, { recursive: true, verbatimSymlinks: true });
  }
  const etc = join(root, 'etc');
  const osRelease = readFileSync(join(etc, `os-release.${release}`), 'utf8');
  for (const name of readdirSync(etc).filter((file) => file.startsWith('os-release.')))
    rmSync(join(etc, name));
  writeFileSync(join(etc, 'os-release'), osRelease.replaceAll('{{version}}', version));
  if (release === 'centos') {
    writeFileSync(join(etc, 'centos-release'), `CentOS Linux release ${version}.2009 (Core)\n`);
  }
  return { root, [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }) };
}

/** What a program said when it was recorded. */
export function recordedOutput(name: string, version = ''): ProgramOutput {
  const stdout = readFileSync(join(fixtures, 'programs', name), 'utf8').replaceAll('{{version}}', version);
  return { exitCode: 0, stdout, stderr: '' };
}

/** The outputs of a healthy engine of a distribution, by command line. */
export function engineOutputs({ engine, engineVersion }: FixtureDistribution): Map<string, ProgramOutput> {
  return engine === 'docker'
    ? new Map([['docker version --format {{json .}}', recordedOutput('docker-version.json', engineVersion)]])
    : new Map([
        ['podman version --format json', recordedOutput('podman-version.json', engineVersion)],
        ['podman ps --quiet', { exitCode: 0, stdout: '', stderr: '' }],
      ]);
}

/** A host that runs, made of recordings: the files below `root`, and outputs by command line. */
export function recordedHost(
  root: string,
  outputs: ReadonlyMap<string, ProgramOutput>,
  { isRoot = true, freeGb = 80 } = {},
): HostView {
  return {
    ...hostBelow(root),
    isRunning: true,
    isRoot,
    run: async (...words) => outputs.get(words.join(' ')),
    freeBytes: async () => freeGb * 2 ** 30,
    openError: async () => 'ENODEV',
  };
}
