import { mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { environmentFile, profileScript } from './assignments.ts';
import { planChanges, proxyPlaces, readPlace } from './places.ts';
import { readExceptions, readProxyAddress } from './proxy-address.ts';
import { restartSteps } from './restart.ts';
import { unitDropIn } from './unit-drop-in.ts';
import { changesFor, type FileKind, noProxy } from './variables.ts';
import { writeChanges } from './write-changes.ts';

const proxy = 'http://proxy.example.com:3128';

const ubuntuEnvironment =
  'PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/games:/snap/bin"\n';
const override =
  '### Editing /etc/systemd/system/mstunnel_monitor.service.d/override.conf\n\n[Unit]\nAfter=x.service\n\n[Service]\nNice=5\nEnvironment="A=b c" HTTPS_PROXY=http://old:1 D=e\n\n[Install]\nWantedBy=multi-user.target\n';

describe('the address of a proxy', () => {
  test('is written so that every program reads it alike', () => {
    expect(readProxyAddress('http://proxy.example.com:3128/')).toBe(proxy);
    expect(readProxyAddress('http://10.10.10.1')).toBe('http://10.10.10.1:80');
    expect(readProxyAddress('http://[2001:db8::1]:8080')).toBe('http://[2001:db8::1]:8080');
  });

  test('with a name or a password is refused, without repeating it', () => {
    for (const text of [
      'http://user:geheim@proxy:3128',
      'http://geheim@proxy:3128',
      'https://u:geheim@proxy',
    ]) {
      expect(() => readProxyAddress(text)).toThrow(/not supported/);
      expect(() => readProxyAddress(text)).not.toThrow(/geheim/);
    }
  });

  test('of a proxy behind TLS, and what is no address, is refused', () => {
    expect(() => readProxyAddress('https://proxy:3128')).toThrow('write http://');
    for (const text of [
      'proxy:3128',
      'proxy',
      '',
      'http://',
      'http://proxy:3128/path',
      'socks5://proxy:1',
      'http://pro xy',
      'http://a;b',
      'http://$(reboot)',
      'http://proxy:99999',
    ]) {
      expect(() => readProxyAddress(text), text).toThrow(/expected the address/);
    }
  });

  test('has exceptions, which are names, addresses and networks', () => {
    expect(readExceptions('localhost, 127.0.0.1,.corp.example.com,10.0.0.0/8')).toBe(
      'localhost,127.0.0.1,.corp.example.com,10.0.0.0/8',
    );
    for (const text of ['', 'a b', 'a;b', '$(x)', '"a"', 'a\nb', 'a,,b'])
      expect(() => readExceptions(text)).toThrow('--no-proxy');
  });
});

describe('a file that names the proxy', () => {
  test('of Ubuntu keeps its PATH; Red Hat has an empty one', () => {
    const set = environmentFile.set(ubuntuEnvironment, changesFor(proxy, 'localhost'));
    expect(set).toBe(
      `${ubuntuEnvironment}http_proxy=${proxy}\nhttps_proxy=${proxy}\nHTTP_PROXY=${proxy}\nHTTPS_PROXY=${proxy}\nno_proxy=localhost\nNO_PROXY=localhost\n`,
    );
    expect(environmentFile.set('', changesFor(proxy, undefined)).split('\n')).toHaveLength(5);
  });

  test('keeps the place of a line that was there, and its export', () => {
    const text = 'http_proxy="http://old:1"\nexport HTTPS_PROXY=http://old:1\nA=b\n';
    expect(environmentFile.set(text, { http_proxy: proxy, HTTPS_PROXY: proxy })).toBe(
      `http_proxy=${proxy}\nexport HTTPS_PROXY=${proxy}\nA=b\n`,
    );
  });

  test('of the shell keeps its other code', () => {
    const text =
      '# proxy of the site\nif [ -n "$PS1" ]; then\n  echo "don\'t"\nfi\nexport HTTP_PROXY=http://10.10.10.1:3128\n';
    expect(profileScript.read(text)).toMatchObject({
      ok: true,
      variables: new Map([['HTTP_PROXY', 'http://10.10.10.1:3128']]),
    });
    expect(profileScript.set(text, noProxy)).toBe(
      '# proxy of the site\nif [ -n "$PS1" ]; then\n  echo "don\'t"\nfi\n',
    );
  });

  test('of systemd keeps other variables of a line, other keys and sections', () => {
    const set = unitDropIn.set(override, { HTTPS_PROXY: proxy });
    expect(set).toBe(
      override.replace(
        'Environment="A=b c" HTTPS_PROXY=http://old:1 D=e',
        `Environment="A=b c" "D=e"\nEnvironment="HTTPS_PROXY=${proxy}"`,
      ),
    );
    expect(unitDropIn.set('', { HTTPS_PROXY: proxy })).toBe(
      `[Service]\nEnvironment="HTTPS_PROXY=${proxy}"\n`,
    );
  });

  test.each<[string, FileKind, string, number]>([
    ['an open quotation mark', environmentFile, 'A=b\nhttp_proxy="http://old\n', 2],
    ['a word alone', environmentFile, 'PATH=/bin\nhttp_proxy\n', 2],
    ['a line that goes on', profileScript, 'export http_proxy=\\\nhttp://old\n', 1],
    ['a proxy that is set in other code', profileScript, 'x || http_proxy=http://old\n', 1],
    ['a value that is computed', profileScript, 'export http_proxy=http://$HOST:1\n', 1],
    ['a section and a key in one line', unitDropIn, '[Service] Environment="HTTP_PROXY=http://a:1"\n', 1],
    ['an open quotation mark in a unit', unitDropIn, '[Service]\nEnvironment="HTTP_PROXY=http://a:1\n', 2],
    ['a line of a unit that goes on', unitDropIn, '[Service]\nEnvironment=A=b \\\n  C=d\n', 2],
  ])('with %s is refused, with the line', (_name, kind, text, line) => {
    expect(kind.read(text)).toMatchObject({ ok: false, line });
  });

  const name = fc.stringMatching(/^[A-Z_][A-Z0-9_]{0,8}$/).filter((text) => !/PROXY$/.test(text));
  const value = fc.stringMatching(/^[a-zA-Z0-9/:.,-]{0,12}$/);
  const comment = fc.stringMatching(/^#[ -~]{0,20}$/);
  const assignment = fc.tuple(name, value).map(([left, right]) => `${left}=${right}`);
  const lines = (line: fc.Arbitrary<string>) =>
    fc
      .array(fc.oneof(line, comment, fc.constant('')), { maxLength: 8 })
      .map((all) => all.map((one) => `${one}\n`).join(''));
  const unit = lines(assignment.map((text) => `Environment="${text}"`)).map(
    (text) => `[Unit]\nAfter=a\n[Service]\n${text}`,
  );

  test.each<[string, FileKind, fc.Arbitrary<string>]>([
    ['an environment file', environmentFile, lines(assignment)],
    [
      'a script',
      profileScript,
      lines(
        fc.oneof(
          assignment.map((text) => `export ${text}`),
          fc.constant('true && echo "x"'),
        ),
      ),
    ],
    [
      'a drop-in',
      unitDropIn,
      fc.oneof(
        fc.constant(''),
        unit,
        unit.map((text) => `${text}\n[Install]\nAlias=b\n`),
      ),
    ],
  ])(
    '%s says what was set, twice is like once, and without it is byte for byte what it was',
    (_name, kind, texts) => {
      fc.assert(
        fc.property(texts, (text) => {
          expect(kind.read(text).ok).toBe(true);
          const changes = changesFor(proxy, 'localhost');
          const set = kind.set(text, changes);
          const read = kind.read(set);
          expect(read.ok && Object.fromEntries(read.variables)).toEqual(changes);
          expect(kind.read(kind.set(set, changes))).toEqual(read);
          expect(kind.set(set, noProxy)).toBe(text);
        }),
      );
    },
  );
});

describe('the places of a host', () => {
  function host(files: Record<string, string>): string {
    const root = mkdtempSync(join(tmpdir(), 'culvert-proxy-'));
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    return root;
  }
  const placesOf = async (root: string) =>
    Promise.all((await proxyPlaces(root, join(root, 'etc/mstunnel/env.sh'))).map(readPlace));
  const docker = {
    'usr/bin/docker': '',
    'etc/environment': ubuntuEnvironment,
    'etc/mstunnel/env.sh': '# env\n',
  };

  test('are those of the prerequisites, the service of Docker only where Docker is', async () => {
    const paths = async (files: Record<string, string>) => {
      const root = host(files);
      return (await proxyPlaces(root, join(root, 'etc/mstunnel/env.sh'))).map(({ path }) =>
        path.slice(root.length),
      );
    };
    const everywhere = [
      '/etc/environment',
      '/etc/profile.d/http_proxy.sh',
      '/etc/mstunnel/env.sh',
      '/etc/systemd/system/mstunnel_monitor.service.d/http-proxy.conf',
    ];
    expect((await paths({})).sort()).toEqual(everywhere.toSorted());
    expect(await paths(docker)).toContain('/etc/systemd/system/docker.service.d/http-proxy.conf');
  });

  test('all say the same after a change, with backups, and nothing is written twice', async () => {
    const root = host(docker);
    const planned = planChanges(await placesOf(root), changesFor(proxy, undefined));
    expect(planned).toHaveLength(5);
    await writeChanges(planned, new Date(0));
    for (const { variables } of await placesOf(root)) expect(variables.get('HTTPS_PROXY')).toBe(proxy);
    expect(readdirSync(join(root, 'etc'))).toContain('environment.culvert-backup-19700101T000000');
    expect(planChanges(await placesOf(root), changesFor(proxy, undefined))).toEqual([]);
    await writeChanges(planChanges(await placesOf(root), noProxy), new Date(1000));
    expect(readFileSync(join(root, 'etc/environment'), 'utf8')).toBe(ubuntuEnvironment);
    expect(readFileSync(join(root, 'etc/mstunnel/env.sh'), 'utf8')).toBe('# env\n');
    expect(readdirSync(join(root, 'etc/profile.d')).filter((name) => name === 'http_proxy.sh')).toEqual([]);
  });

  test('that name another proxy in a later drop-in lose it', async () => {
    const path = 'etc/systemd/system/mstunnel_monitor.service.d/override.conf';
    const root = host({ [path]: override });
    await writeChanges(planChanges(await placesOf(root), changesFor(proxy, undefined)), new Date(0));
    expect(readFileSync(join(root, path), 'utf8')).toBe(
      override.replace(' HTTPS_PROXY=http://old:1 D=e', ' "D=e"'),
    );
  });

  test('stay as they were when one of them cannot be read or written', async () => {
    const root = host({ ...docker, 'etc/profile.d/http_proxy.sh': 'export http_proxy="\n' });
    await expect(placesOf(root)).rejects.toThrow(/http_proxy\.sh, line 1/);
    const other = host(docker);
    const planned = planChanges(await placesOf(other), changesFor(proxy, undefined));
    // A directory stands where the last file belongs.
    mkdirSync(planned.at(-1)?.path ?? '', { recursive: true });
    await expect(writeChanges(planned, new Date(0))).rejects.toThrow('No file was changed');
    expect(readFileSync(join(other, 'etc/environment'), 'utf8')).toBe(ubuntuEnvironment);
    expect(readdirSync(join(other, 'etc/profile.d'))).toEqual([]);
  });

  test('that are links are neither read nor changed', async () => {
    const root = host(docker);
    const target = join(root, 'secret');
    writeFileSync(target, 'A=b\n');
    symlinkSync(target, join(root, 'etc/mstunnel/link'));
    const kind = environmentFile;
    await expect(
      readPlace({ path: join(root, 'etc/mstunnel/link'), kind, reader: 'people', isMain: true }),
    ).rejects.toThrow('no plain file');
  });
});

test('only who reads a changed file is restarted', () => {
  const commands = (
    ...readers: Parameters<typeof restartSteps>[0] extends ReadonlySet<infer Reader> ? Reader[] : never
  ) => restartSteps(new Set(readers)).map(({ words }) => words.join(' '));
  expect(commands('people')).toEqual([]);
  expect(commands('containers')).toEqual(['systemctl restart mstunnel_monitor']);
  expect(commands('docker', 'containers', 'monitor')).toEqual([
    'systemctl daemon-reload',
    'systemctl restart docker',
    'systemctl restart mstunnel_monitor',
  ]);
});
