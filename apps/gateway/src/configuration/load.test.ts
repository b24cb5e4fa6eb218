import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureOwnCertificate } from '@culvert/certificates/self-signed.ts';
import { describeFinding } from '@culvert/contracts';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { setPassword } from '../passwords/edit-accounts.ts';
import { RestedChange } from './certificate-watch.ts';
import { restartProblems } from './changes.ts';
import { readJson } from './json.ts';
import { loadConfiguration } from './load.ts';

const directory = mkdtempSync(join(tmpdir(), 'culvert-configuration-'));
const file = join(directory, 'gateway.json');

const example = () => ({
  publicAddress: 'vpn.example.com',
  serverConfiguration: {
    displayName: 'lab',
    network: '10.70.0.0/16',
    dnsServers: ['10.60.0.53'],
    routeIncludes: ['10.60.0.0/24'],
  } as Record<string, unknown>,
  tls: { certificateFile: 'certs/site.crt', privateKeyFile: 'certs/site.key' } as Record<string, unknown>,
  authentication: [{ kind: 'passwordFile', file: 'users' }] as unknown[],
  stateDirectory: 'state',
});

async function load(document: unknown) {
  writeFileSync(file, typeof document === 'string' ? document : JSON.stringify(document));
  const { problems, warnings, configuration } = await loadConfiguration(file);
  return { problems: problems.map(describeFinding), warnings: warnings.map(describeFinding), configuration };
}

beforeAll(async () => {
  await ensureOwnCertificate(join(directory, 'certs'), 'vpn.example.com', new Date());
  await setPassword(join(directory, 'users'), 'alice', 'correct horse');
});

describe('a configuration file', () => {
  test('that is right is loaded with paths relative to itself', async () => {
    const { configuration, problems, warnings } = await load(example());
    expect([problems, warnings]).toEqual([[], []]);
    expect(configuration?.standalone.stateDirectory).toBe(join(directory, 'state'));
    expect(configuration?.certificate.certificates).toHaveLength(2);
    expect(await configuration?.passwords?.verify('alice', 'correct horse')).toBe('accepted');
  });

  test('with mistakes in fields and in files gets all of them told at once', async () => {
    const document = example();
    Object.assign(document, {
      publicAdress: 'x',
      listenPort: 443,
      internalInterface: 'a b',
      drainSeconds: 301,
    });
    Object.assign(document.serverConfiguration, {
      network: '10.70.0.1/16',
      routeIncludes: ['10.60.0.0/24', '10.60.0.0/24', '0.0.0.0/0', 5],
      advancedSettings: [
        { name: 'session-timeout', value: '5' },
        { name: 'sesion-timeout', value: '60' },
      ],
    });
    document.tls = { certificateFile: 'certs/site.crt', privateKeyFile: 'missing.key' };
    document.authentication = [{ kind: 'passwordFile', file: 'nobody' }, { kind: 'ldap' }];
    const { problems } = await load(document);
    expect(problems).toEqual(
      expect.arrayContaining([
        'serverConfiguration.network: found "10.70.0.1/16"; the host bits must be zero: write 10.70.0.0/16',
        'serverConfiguration.routeIncludes[1]: found "10.60.0.0/24"; listed twice',
        expect.stringMatching(/^serverConfiguration\.routeIncludes\[2\]: found "0\.0\.0\.0\/0"/),
        'serverConfiguration.routeIncludes[3]: found 5; expected text between quotation marks',
        expect.stringMatching(
          /advancedSettings\[0\]\.value: found "5"; session-timeout must be a whole number from 60/,
        ),
        expect.stringMatching(/advancedSettings\[1\]\.name: found "sesion-timeout"; unknown setting/),
        'authentication[1].kind: found "ldap"; unknown kind; allowed are "passwordFile", "clientCertificate"',
        expect.stringMatching(/^internalInterface: found "a b"/),
        expect.stringMatching(/^drainSeconds: found 301; .*300/),
        'publicAdress: unknown key; did you mean "publicAddress"?',
        'listenPort: unknown key here; it belongs to serverConfiguration.listenPort',
        `tls.privateKeyFile: ${join(directory, 'missing.key')} does not exist`,
      ]),
    );
  });

  test.each([
    ['{ "a": 1,\n  "b": 2, }', 'line 2, column 11: a comma before the closing bracket is not allowed'],
    ['{\n  // note\n}', 'line 2, column 3: comments are not part of JSON'],
    [
      '{ "a": [1, 2 ',
      'line 1, column 13: the text ends too early: a bracket or quotation mark is not closed',
    ],
    ["{ 'a': 1 }", 'line 1, column 3: text must stand between double quotation marks'],
    ['', 'line 1, column 1: the file is empty'],
  ])('with the syntax %j is told the place', async (text, message) => {
    expect((await load(text)).problems).toEqual([`${file}, ${message}`]);
  });

  test('that does not exist, or whose certificate fits another name, is told so', async () => {
    expect((await loadConfiguration('/nowhere/x.json')).problems[0]?.message).toBe(
      '/nowhere/x.json does not exist',
    );
    expect((await load({ ...example(), publicAddress: 'other.example.com' })).problems[0]).toContain(
      'does not cover the public address',
    );
  });

  test('whose state directory is too long for unix sockets is refused', async () => {
    const { problems } = await load({ ...example(), stateDirectory: `/tmp/${'x'.repeat(90)}` });
    expect(problems).toEqual([expect.stringContaining('too long for unix sockets')]);
    expect((await load({ ...example(), stateDirectory: `/tmp/${'x'.repeat(85)}` })).problems).toEqual([]);
  });

  test('with a client certificate as second factor needs a first one', async () => {
    const { problems } = await load({
      ...example(),
      authentication: [{ kind: 'clientCertificate', authoritiesFile: 'certs/authority.crt' }],
    });
    expect(problems.join()).toContain('needs a first one: add passwordFile');
  });

  test.each<[string, Record<string, unknown>, string]>([
    ['a pool on the bridge of Docker', { network: '172.16.0.0/12' }, 'default bridge of Docker'],
    ['a pool on the bridge of Podman', { network: '10.88.0.0/16' }, 'default bridge of Podman'],
    ['a DNS server inside of the pool', { dnsServers: ['10.70.0.53'] }, 'is inside of the pool'],
    ['a pool inside of an include route', { routeIncludes: ['10.0.0.0/8'] }, 'overlaps the include route'],
    [
      'a DNS server outside of the include routes',
      { dnsServers: ['192.0.2.53'] },
      'add 192.0.2.53/32 to routeIncludes',
    ],
    ['a DNS server in an exclude route', { routeExcludes: ['10.60.0.53/32'] }, 'inside of an exclude route'],
    ['a local top-level domain', { splitDNS: ['corp.local'] }, 'local top-level domain .local'],
    [
      'IPv6 routes without IPv6 addresses',
      { routeIncludes: ['10.60.0.0/24', 'fd60::/64'] },
      'set ipv6Network',
    ],
    [
      'split DNS without servers',
      { dnsServers: [], splitDNS: ['corp.test'] },
      'has no effect without dnsServers',
    ],
  ])('with %s is used with a warning', async (_name, change, message) => {
    const document = example();
    Object.assign(document.serverConfiguration, change);
    const { problems, warnings } = await load(document);
    expect(problems).toEqual([]);
    expect(warnings.join('\n')).toContain(message);
  });

  test('with secrets that everybody may read is used with a warning', async () => {
    const key = join(directory, 'certs/site.key');
    chmodSync(key, 0o644);
    expect((await load(example())).warnings).toEqual([
      `tls.privateKeyFile: ${key} can be read by everybody on this host; run "chmod 600 ${key}"`,
    ]);
    chmodSync(key, 0o600);
  });

  test('of any content gives findings and never throws', async () => {
    const key = fc.constantFrom(
      'publicAddress',
      'serverConfiguration',
      'tls',
      'authentication',
      'network',
      'kind',
      '__proto__',
      'x',
    );
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.string(),
        fc.integer(),
        fc.constant(null),
        fc.array(tie('value')),
        fc.dictionary(key, tie('value')),
      ),
    }));
    await fc.assert(
      fc.asyncProperty(value, async (document) => {
        expect((await load(document)).problems.length).toBeGreaterThan(0);
      }),
      { numRuns: 60 },
    );
  });
});

test('a change of the pool needs a restart and a change of routes does not', async () => {
  const { configuration: running } = await load(example());
  const pool = example();
  pool.serverConfiguration.network = '10.71.0.0/16';
  const { configuration: otherPool } = await load(pool);
  const routes = example();
  routes.serverConfiguration.routeIncludes = ['10.60.0.0/16'];
  const { configuration: otherRoutes } = await load(routes);
  if (running === undefined || otherPool === undefined || otherRoutes === undefined)
    throw new Error('not loaded');
  expect(restartProblems(running, otherPool).map(describeFinding)).toEqual([
    'serverConfiguration.network: found "10.71.0.0/16"; cannot change while the gateway runs (it is "10.70.0.0/16"): restart the gateway, which ends its tunnels',
  ]);
  expect(restartProblems(running, otherRoutes)).toEqual([]);
});

test('a certificate and its key that change one after the other are one change', () => {
  const change = new RestedChange();
  expect(['a', 'a', 'b', 'c', 'c', 'c', 'a', 'a'].map((look) => change.look(look))).toEqual([
    false,
    false,
    false,
    false,
    true,
    false,
    false,
    true,
  ]);
});

test('every JSON text is read as JSON.parse does', () => {
  fc.assert(
    fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
      const result = readJson(text);
      try {
        expect(result).toEqual({ ok: true, value: JSON.parse(text) });
      } catch {
        expect(result.ok || (result.line >= 1 && result.column >= 1)).toBe(true);
      }
    }),
  );
});
