import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { chooseEngine, engineOrder } from './choose-engine.ts';

const order = (variables: Record<string, string>, osRelease = '') =>
  engineOrder({ variables: new Map(Object.entries(variables)), osRelease });

describe('the engines to try', () => {
  test('are Docker first, and Podman first on Red Hat and its relatives', () => {
    expect(order({}, 'ID=ubuntu\nID_LIKE=debian\n')).toEqual(['docker', 'podman']);
    expect(order({}, 'NAME="Rocky Linux"\nID="rocky"\nID_LIKE="rhel centos fedora"\n')).toEqual([
      'podman',
      'docker',
    ]);
    expect(order({}, 'ID="rhel"\n')).toEqual(['podman', 'docker']);
  });

  test('are only the one that env.sh names, and only Podman without root', () => {
    expect(order({ mst_container_engine: 'podman' }, 'ID=ubuntu\n')).toEqual(['podman']);
    expect(order({ mst_rootless_mode: '1', mst_container_engine: 'docker' })).toEqual(['podman']);
  });

  test('are named in a refusal of any other word', () => {
    expect(() => order({ mst_container_engine: 'rkt' })).toThrow(
      'env.sh: mst_container_engine: found "rkt"; must be docker or podman.',
    );
  });
});

describe('an engine', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'engine-'));
    // Nothing but what the test puts there.
    vi.stubEnv('PATH', directory);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(directory, { recursive: true });
  });
  const install = (name: string, script: string) => {
    writeFileSync(join(directory, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(directory, name), 0o755);
  };
  const choose = () => chooseEngine({ variables: new Map(), osRelease: 'ID=debian', userId: undefined });

  test('that answers is taken, though another is preferred and does not run', async () => {
    install(
      'docker',
      'echo "Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?" >&2; exit 1',
    );
    install('podman', 'echo 4.3.1');
    const engine = await choose();
    expect([engine.name, await engine.version()]).toEqual(['podman', '4.3.1']);
  });

  test('that is not there is told, with what to install', async () => {
    await expect(choose()).rejects.toThrow('neither Docker nor Podman is installed');
  });

  test.each([
    [
      'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?',
      'systemctl enable --now docker',
    ],
    [
      'failed to connect to the docker API at unix:///var/run/docker.sock; check if the path is correct',
      'systemctl enable --now docker',
    ],
    [
      'permission denied while trying to connect to the Docker daemon socket at unix:///x',
      'Run this as root',
    ],
    ['Error response from daemon: write /x: no space left on device', 'The disk is full'],
    ['Error response from daemon: conflict', 'Docker refuses: conflict'],
  ])('that says "%s" is explained', async (said, told) => {
    install('docker', `echo "${said}" >&2; exit 1`);
    await expect(choose()).rejects.toThrow(told);
  });

  test('whose answer is not understood is refused', async () => {
    install('docker', 'echo nonsense');
    await expect(choose()).rejects.toThrow('cannot be understood');
  });
});
