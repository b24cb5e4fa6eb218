import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { controlPlaneAddress, controlPlaneName } from '../fleet/fleet-network.ts';
import { Squid, TlsInspection } from '../fleet/proxies.ts';
import { makeDirectory } from '../system/run.ts';
import { useFleet } from './use-fleet.ts';

const repository = fileURLToPath(new URL('../../..', import.meta.url));
const node = join(repository, 'node_modules/.bin/node');
const program = join(repository, 'apps/host-tools/src/main.ts');
const controlPlane = `https://${controlPlaneName}:8443`;

const fleet = useFleet({ servers: 1, devices: 1, running: 'nothing' });

interface Report {
  id: string;
  result: string;
  found: string;
}

/** Runs `mst-readiness` on the server; resolves to its exit code and what it has found, by id. */
async function readiness(...words: string[]) {
  const { namespace } = fleet().serverAt(0);
  const {
    stdout,
    stderr,
    code: exitCode,
  } = await namespace.attempt([node, program, 'mst-readiness', ...words, '--json']);
  if (!stdout.startsWith('{')) throw new Error(`mst-readiness ${words.join(' ')}: ${stderr}`);
  const { checks } = JSON.parse(stdout) as { checks: Report[] };
  const found = Object.fromEntries(checks.map(({ id, result, found }) => [id, `${result} ${found}`]));
  return { exitCode, found };
}

const ofControlPlane = () => [
  ...['--control-plane', controlPlane],
  ...['--authority-file', join(fleet().controlPlane.directory, 'state/tls/authority.crt')],
];
const joinToken = async () => ['--join-token', await fleet().createJoinToken({ siteId: fleet().siteId })];

/** A file with an API token of an administrator. */
async function tokenFile(): Promise<string> {
  const wish = { displayName: 'readiness', roleId: 'administrator' };
  const { token } = await fleet().controlPlane.ask('POST', '/api/v1/tokens', wish);
  const file = join(makeDirectory('readiness'), 'token');
  writeFileSync(file, `${token}\n`);
  return file;
}

describe('mst-readiness network', () => {
  test('reaches control plane and listener, and has proved that its certificate arrives', async () => {
    const { exitCode, found } = await readiness('network', ...ofControlPlane());
    expect(found).toEqual({
      'network.proxy': 'ok none is set',
      'network.control-plane': expect.stringMatching(/^ok control\.test:8443: 10\.80\.0\.1 \d+ ms, TLSv1\.3/),
      'network.agent-listener': expect.stringMatching(
        /^ok control\.test:8444: 10\.80\.0\.1 \d+ ms, TLSv1\.3/,
      ),
      'network.clock': expect.stringMatching(/^ok agrees with 2 other clocks/),
    });
    expect(exitCode).toBe(0);
  });

  test('needs nothing but a join token', async () => {
    const { exitCode, found } = await readiness('network', ...(await joinToken()));
    expect(found['network.agent-listener']).toMatch(/^ok/);
    // Its certificate is of an authority of its own, which a join token does not name.
    expect(found['network.control-plane']).toMatch(/^failed .*the certificate is not the expected one/);
    expect(exitCode).toBe(1);
  });

  test('goes through a proxy that is the only way', async () => {
    const squid = await Squid.start(fleet().network.proxy, { asksForPassword: false });
    await fleet().serverAt(0).dropDirectConnections();
    const { exitCode, found } = await readiness('network', ...ofControlPlane(), '--proxy', Squid.url);
    const without = await readiness('network', ...ofControlPlane());
    await fleet().serverAt(0).allowDirectConnections();
    await squid.stop();
    expect(found['network.proxy']).toBe(`ok ${Squid.url} from --proxy`);
    expect(found['network.control-plane']).toMatch(/^ok control\.test:8443: proxy proxy\.test:3128 \d+ ms/);
    expect(found['network.agent-listener']).toMatch(/^ok control\.test:8444: proxy/);
    expect(exitCode).toBe(0);
    expect(without.found['network.control-plane']).toBe(
      'failed control.test:8443: 10.80.0.1: no answer in time',
    );
  });

  test('names a proxy that asks for a password', async () => {
    const squid = await Squid.start(fleet().network.proxy, { asksForPassword: true });
    const { exitCode, found } = await readiness('network', ...ofControlPlane(), '--proxy', Squid.url);
    await squid.stop();
    expect(found['network.control-plane']).toContain('the proxy asks for a name and a password (407)');
    expect(exitCode).toBe(1);
  });

  test('names the issuer of a device that breaks TLS open', async () => {
    const inspection = await TlsInspection.start(fleet().network.proxy);
    const { namespace } = fleet().serverAt(0);
    const hosts = readFileSync(namespace.hosts, 'utf8');
    writeFileSync(namespace.hosts, hosts.replace(controlPlaneAddress, TlsInspection.address));
    const { found } = await readiness('network', ...ofControlPlane());
    const withToken = await readiness('network', ...(await joinToken()));
    writeFileSync(namespace.hosts, hosts);
    await inspection.stop();
    const named = new RegExp(`^failed .*TLS is broken and inspected.*issued by "CN=${TlsInspection.issuer}`);
    expect(found['network.control-plane']).toMatch(named);
    expect(withToken.found['network.agent-listener']).toMatch(named);
  });

  test('warns of one address of several that does not answer', async () => {
    const { namespace } = fleet().serverAt(0);
    const hosts = readFileSync(namespace.hosts, 'utf8');
    writeFileSync(namespace.hosts, `${hosts}10.80.0.77 ${controlPlaneName}\n`);
    const { exitCode, found } = await readiness('network', ...ofControlPlane());
    writeFileSync(namespace.hosts, hosts);
    expect(found['network.control-plane']).toMatch(/^warning .*10\.80\.0\.77: (no route|no answer in time)/);
    expect(exitCode).toBe(0);
  });

  test('says that a name does not resolve, and checks the product of Microsoft as well', async () => {
    const { exitCode, found } = await readiness('network', '--profile', 'intune');
    expect(found['network.intune.graph.microsoft.com']).toMatch(
      /^failed graph\.microsoft\.com:443: (the name does not resolve|the DNS server does not answer)/,
    );
    expect(exitCode).toBe(1);
  });
});

describe('mst-readiness inbound', () => {
  // The server's leg in the management network stands for its public address.
  const address = '10.80.0.101';
  const inbound = async () => readiness('inbound', '--address', address, ...(await joinToken()));
  const drop = (protocol: string) =>
    fleet()
      .serverAt(0)
      .namespace.nft(`
      table ip lab_inbound {
        chain in {
          type filter hook input priority 0;
          ${protocol} dport 443 drop
        }
      }`);

  beforeAll(() => {
    expect(fleet().serverAt(0).processes('engine')).toEqual([]);
  });
  afterEach(async () => {
    await fleet().serverAt(0).namespace.attempt(['nft', 'delete', 'table', 'ip', 'lab_inbound']);
  });

  test('both arrive where nothing is in the way', async () => {
    const { exitCode, found } = await inbound();
    expect(found).toEqual({
      'inbound.tcp': expect.stringMatching(/^ok TCP port 443 arrives: 10\.80\.0\.101 \d+ ms/),
      'inbound.udp': expect.stringMatching(/^ok UDP port 443 arrives: 10\.80\.0\.101 \d+ ms/),
    });
    expect(exitCode).toBe(0);
  });

  test('UDP that is dropped is told, and TCP is not blamed', async () => {
    await drop('udp');
    const { exitCode, found } = await inbound();
    expect(found['inbound.tcp']).toMatch(/^ok/);
    expect(found['inbound.udp']).toBe('failed UDP port 443 does not arrive at 10.80.0.101');
    expect(exitCode).toBe(1);
  });

  test('TCP that is dropped is told, and UDP is not blamed', async () => {
    await drop('tcp');
    const { exitCode, found } = await inbound();
    expect(found['inbound.tcp']).toBe('failed TCP port 443 does not arrive at 10.80.0.101');
    expect(found['inbound.udp']).toMatch(/^ok/);
    expect(exitCode).toBe(1);
  });

  test('an account with an API token may ask too, and the control plane writes it down', async () => {
    const file = await tokenFile();
    const { found } = await readiness(
      'inbound',
      '--address',
      address,
      ...ofControlPlane(),
      '--token-file',
      file,
    );
    expect(found['inbound.tcp']).toMatch(/^ok/);
    const { value } = await fleet().controlPlane.ask(
      'GET',
      "/api/v1/auditEntries?$filter=action eq 'inboundProbe.create'".replaceAll(' ', '%20'),
    );
    expect((value as unknown[]).length).toBeGreaterThan(0);
  });
});

test('mst-readiness account says in which sites servers may be registered', async () => {
  const { exitCode, found } = await readiness(
    'account',
    ...ofControlPlane(),
    '--token-file',
    await tokenFile(),
  );
  expect(found).toEqual({
    'account.permissions': 'ok this account may register servers',
    'account.sites': 'ok may register in 1: Headquarters (vpn.test)',
  });
  expect(exitCode).toBe(0);
});

describe('on a server that runs', () => {
  beforeAll(async () => {
    const server = fleet().serverAt(0);
    // The control plane speaks no PROXY protocol.
    const document = { ...server.configuration(), proxyProtocol: false };
    writeFileSync(server.configurationFile, JSON.stringify(document));
    server.giveJoinToken(await fleet().createJoinToken({ siteId: fleet().siteId }));
    server.startGateway();
    await server.startAgent();
    await fleet().hasApplied(server);
  });
  const address = '10.80.0.101';
  const directory = () => ['--directory', fleet().serverAt(0).directory];

  test('the gateway itself is met, and counts what arrives over UDP', async () => {
    const { exitCode, found } = await readiness('inbound', '--address', address, ...directory());
    expect(found['inbound.tcp']).toMatch(/^ok/);
    expect(found['inbound.udp']).toMatch(/^ok .*the gateway has counted [45] of 5 datagrams/);
    expect(exitCode).toBe(0);
  });

  test('UDP that is dropped before the gateway is told', async () => {
    const { namespace } = fleet().serverAt(0);
    await namespace.nft(
      'table ip lab_inbound { chain in { type filter hook input priority 0; udp dport 443 drop; }; }',
    );
    const { found } = await readiness('inbound', '--address', address, ...directory());
    await namespace.nft('delete table ip lab_inbound');
    expect(found['inbound.tcp']).toMatch(/^ok/);
    expect(found['inbound.udp']).toBe('failed of 5 datagrams to UDP port 443 the gateway has counted 0');
  });

  test('everything is checked at once within ten seconds, with the certificates that are there', async () => {
    const startedAt = performance.now();
    const { found } = await readiness('all', '--address', address, ...directory());
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    expect(found['network.agent-listener']).toMatch(/^ok/);
    expect(found['certificate.key-match']).toMatch(/^ok/);
    // The certificate is for the name that devices use.
    expect(found['certificate.names']).toMatch(/^failed .*does not cover the public address 10\.80\.0\.101/);
    expect(found['inbound.tcp']).toMatch(/^ok/);
    expect(Object.keys(found).some((id) => id.startsWith('utils.'))).toBe(true);
  });
});
