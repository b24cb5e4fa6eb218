import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { explainSettings, proxyForTarget, proxySettingsOf } from './host-proxy.ts';

function hostWith(files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), 'culvert-proxy-'));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

const files = {
  'etc/mstunnel/env.sh': 'http_proxy=http://one.test:1\nhttps_proxy=http://one.test:1\n',
  'etc/environment': 'https_proxy="http://two.test:2"\nno_proxy="internal.test,.corp.test"\n',
  'etc/profile.d/http_proxy.sh': 'export HTTPS_PROXY=http://three.test:3\n',
};
const target = (text: string) => ({ url: new URL(text) });

test('the option counts first, then the environment, then the files of the prerequisites in their order', async () => {
  const root = hostWith(files);
  const place = async (option?: string, environment: NodeJS.ProcessEnv = {}, below = root) =>
    (await proxySettingsOf(option, environment, below)).place?.replace(below, '');
  expect(await place('http://p.test:9', { https_proxy: 'http://e.test:8' })).toBe('--proxy');
  expect(await place(undefined, { https_proxy: 'http://e.test:8' })).toBe('environment');
  expect(await place()).toBe('/etc/mstunnel/env.sh');
  const { 'etc/mstunnel/env.sh': _env, ...rest } = files;
  expect(await place(undefined, {}, hostWith(rest))).toBe('/etc/environment');
  const { 'etc/environment': _environment, ...last } = rest;
  expect(await place(undefined, {}, hostWith(last))).toBe('/etc/profile.d/http_proxy.sh');
  expect(await place(undefined, {}, hostWith({}))).toBeUndefined();
});

test('plain HTTP has a proxy of its own, and what NO_PROXY names is reached directly', async () => {
  const settings = {
    variables: { https_proxy: 'http://s.test:1', http_proxy: 'http://p.test:2', no_proxy: '.corp.test' },
  };
  expect(proxyForTarget(settings, target('https://a.test'))).toEqual({ host: 's.test', port: 1 });
  expect(proxyForTarget(settings, target('http://a.test'))).toEqual({ host: 'p.test', port: 2 });
  expect(proxyForTarget(settings, target('https://x.corp.test'))).toBeUndefined();
  const secureOnly = { variables: { https_proxy: 'http://s.test:1' } };
  expect(proxyForTarget(secureOnly, target('http://a.test'))).toBeUndefined();
});

test('a proxy with a password is refused, and the variable is named', () => {
  expect(explainSettings({ variables: { https_proxy: 'http://me:secret@p.test:1' } })).toMatch(
    /^https_proxy: holds a name or a password/,
  );
  expect(explainSettings({ variables: { https_proxy: 'p.test:1' } })).toBeUndefined();
});
