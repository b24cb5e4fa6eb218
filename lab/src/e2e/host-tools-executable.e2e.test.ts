import { execFileSync, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { makeDirectory } from '../system/run.ts';

const repository = fileURLToPath(new URL('../../..', import.meta.url));
const tools = join(repository, 'dist/host-tools');
const executable = join(tools, 'mst-cli');
const names = ['mst-cli', 'mst-readiness', 'mstunnel-setup', 'mstunnel_monitor'];
/** A server has no variables of a developer. */
const environment = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };

beforeAll(() => {
  execFileSync('npm', ['run', 'build:host-tools'], {
    cwd: repository,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
});

function run(program: string, words: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(program, words, { encoding: 'utf8', env: environment });
  return { status, stdout, stderr };
}

const output = (program: string, words: readonly string[]) =>
  execFileSync(program, words, { encoding: 'utf8', maxBuffer: 1 << 28 });

/** The highest of the versions of a symbol set that the executable asks for, such as GLIBC. */
function highestVersion(set: string): string | undefined {
  const symbols = output('readelf', ['--version-info', '--wide', executable]);
  const versions = [...symbols.matchAll(new RegExp(`\\b${set}_([0-9.]+)`, 'g'))].map(
    ([, version]) => version,
  );
  return versions.sort((left = '', right = '') => left.localeCompare(right, 'en', { numeric: true })).at(-1);
}

function neededLibraries(): string[] {
  const dynamic = output('readelf', ['--dynamic', '--wide', executable]);
  return [...dynamic.matchAll(/\(NEEDED\).*\[(.+)\]/g)].map(([, name = '']) => name);
}

describe('the executable of the host tools', () => {
  test.each(names)('answers as %s by the name of its link', (name) => {
    const { status, stdout, stderr } = run(join(tools, name), ['--help']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(new RegExp(`^Usage: ${name} `));
    expect(run(join(tools, name), ['--lang', 'ja', '--help']).stdout).toMatch(
      new RegExp(`^使い方: ${name} `),
    );
    if (name !== 'mst-cli') expect(readlinkSync(join(tools, name))).toBe('mst-cli');
  });

  test.each(names)('tells wrong use of %s with the status 2, in both languages', (name) => {
    const english = run(join(tools, name), ['--nonsense']);
    expect(english).toMatchObject({ status: 2, stdout: '' });
    expect(english.stderr).toMatch(/--nonsense/);
    expect(run(join(tools, name), ['--lang', 'ja', '--nonsense']).stderr).toMatch(/不明なオプション/);
  });

  test('needs glibc 2.28 and nothing but glibc and the libraries of the compiler', () => {
    expect(neededLibraries().sort()).toEqual([
      'ld-linux-x86-64.so.2',
      'libc.so.6',
      'libdl.so.2',
      'libgcc_s.so.1',
      'libm.so.6',
      'libpthread.so.0',
      'libstdc++.so.6',
    ]);
    const version = (set: string) => Number(highestVersion(set)?.split('.').at(-1));
    expect(highestVersion('GLIBC')).toMatch(/^2\.\d+$/);
    expect(version('GLIBC')).toBeLessThanOrEqual(28);
    // That of GCC 8, which comes with RHEL 8.
    expect(highestVersion('GLIBCXX')).toMatch(/^3\.4\.\d+$/);
    expect(version('GLIBCXX')).toBeLessThanOrEqual(25);
  });

  test('runs in a tree that has nothing but those libraries: no /proc, no shell, no certificates', () => {
    const root = makeDirectory('empty-tree');
    copyFileSync(executable, join(root, 'mst-cli'));
    symlinkSync('mst-cli', join(root, 'mst-readiness'));
    for (const [library = ''] of output('ldd', [executable]).matchAll(/\/lib\S+/g)) {
      mkdirSync(join(root, dirname(library)), { recursive: true });
      copyFileSync(library, join(root, library));
    }
    expect(run('chroot', [root, '/mst-cli', '--version'])).toMatchObject({ status: 0, stderr: '' });
    const sizing = run('chroot', [root, '/mst-readiness', 'sizing', '--devices', '40000', '--json']);
    expect(JSON.parse(sizing.stdout)).toMatchObject({
      cpus: 8,
      memoryGb: 8,
      servers: 8,
      sites: 1,
      diskGb: 30,
    });
    const utils = run('chroot', [root, '/mst-readiness', 'utils', '--json']);
    expect({ status: utils.status, stderr: utils.stderr }).toEqual({ status: 1, stderr: '' });
    const { checks } = JSON.parse(utils.stdout) as { checks: { id: string; result: string }[] };
    expect(checks.find(({ id }) => id === 'utils.distribution')?.result).toBe('unknown');
  });

  test('repairs a tree that it is pointed at, and finds nothing to do the second time', () => {
    const root = makeDirectory('tree-to-repair');
    mkdirSync(join(root, 'etc'));
    writeFileSync(
      join(root, 'etc/os-release'),
      'ID=ubuntu\nVERSION_ID="24.04"\nPRETTY_NAME="Ubuntu 24.04 LTS"\n',
    );
    const repair = () => run(join(tools, 'mst-readiness'), ['utils', '--root', root, '--fix', '--yes']);
    expect(repair().stderr).toContain('/etc/sysctl.d/99-zz-mstunnel.conf');
    expect(readFileSync(join(root, 'etc/modules-load.d/mstunnel_tun.conf'), 'utf8')).toBe('tun\n');
    expect(repair().stderr).toContain('There is nothing that --fix can repair.');
  });

  test('starts quickly; how quickly depends on the machine, so the time is only told', async ({
    annotate,
  }) => {
    const milliseconds = Array.from({ length: 5 }, () => {
      const start = performance.now();
      execFileSync(executable, ['--version'], { env: environment });
      return performance.now() - start;
    });
    await annotate(`mst-cli --version takes ${Math.min(...milliseconds).toFixed(0)} ms`);
  });
});

describe('beside it', () => {
  test.each(['en', 'ja'])('are manual pages (%s) that say what their tool is', (language) => {
    for (const name of ['mst-cli', 'mst-readiness', 'mstunnel-setup']) {
      const page = readFileSync(join(tools, 'man', language, 'man8', `${name}.8`), 'utf8');
      expect(page).toContain(`.TH "${name.toUpperCase().replace('-', '\\-')}" "8"`);
      expect(page).toContain(language === 'ja' ? '.SH "オプション"' : '.SH "OPTIONS"');
    }
    expect(existsSync(join(tools, 'man', language, 'man8', 'mstunnel_monitor.8'))).toBe(false);
  });

  test('is what bash completes commands and options with', () => {
    const complete = (line: string) => {
      const words = line.split(' ');
      const script = `source <(${executable} completion bash)
COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}) COMP_CWORD=${words.length - 1}
$(complete -p mst-cli | sed 's/.*-F \\([^ ]*\\) .*/\\1/')
printf '%s\\n' "\${COMPREPLY[@]}"`;
      const options = { input: script, encoding: 'utf8', env: environment } as const;
      return execFileSync('bash', ['--norc', '--noprofile'], options).split('\n').filter(Boolean);
    };
    expect(complete('mst-cli ser')).toEqual(['server']);
    expect(complete('mst-cli server sho')).toEqual(['show']);
    expect(complete('mst-cli health --j')).toEqual(['--json']);
  });
});
