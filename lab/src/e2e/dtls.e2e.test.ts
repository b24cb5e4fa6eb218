import { expect, test } from 'vitest';
import { clientBuilds } from '../client/builds.ts';
import type { Client } from '../client/client.ts';
import { serverKind } from '../lab.ts';
import { corpAddress } from '../network/network.ts';
import { eventually } from '../system/wait.ts';
import { Capture, dataDatagrams } from '../traffic/capture.ts';
import { measure } from '../traffic/iperf.ts';
import { reaches } from '../traffic/ping.ts';
import { useLab } from './use-lab.ts';

const lab = useLab({ network: { switched: true } });
const onlyProduct = test.runIf(serverKind === 'culvert');

const pings = 3;

/** Pings pass, and they pass over DTLS both ways. */
async function expectDtls(client: Client, port = 443): Promise<void> {
  expect((await client.connected()).dtls).toBe(true);
  const capture = await Capture.start(lab().network.gateway, 'g0', `udp port ${port}`);
  expect(await reaches(client.device.namespace, corpAddress, pings)).toBe(true);
  const data = dataDatagrams(await capture.stop());
  expect(data.filter((one) => one.destinationPort === port).length).toBeGreaterThanOrEqual(pings);
  expect(data.filter((one) => one.sourcePort === port).length).toBeGreaterThanOrEqual(pings);
  if (serverKind === 'culvert') {
    expect((await lab().culvert.sessions()).map((session) => session.channel)).toEqual(['dtls']);
  }
}

async function expectThroughput(): Promise<void> {
  for (const direction of ['up', 'down'] as const) {
    const { receivedBytes } = await measure(lab().network.device.namespace, { direction, seconds: 1 });
    expect(receivedBytes).toBeGreaterThan(500_000);
  }
}

/** The tunnel is there, and not one DTLS association. */
async function expectTlsOnly(client: Client): Promise<void> {
  expect((await client.connected()).dtls).toBe(false);
  expect(await reaches(client.device.namespace, corpAddress)).toBe(true);
  if (serverKind === 'culvert') {
    expect((await lab().culvert.sessions()).map((session) => session.channel)).toEqual(['tls']);
  }
}

test.each(clientBuilds)('the %s client opens DTLS with a pre-shared key', async (build) => {
  const client = await lab().connect({ build });
  expect(client.responseHeaders('X-DTLS-CipherSuite')).toEqual(['PSK-NEGOTIATE']);
  await expectDtls(client);
  await expectThroughput();
});

test.each(clientBuilds)('the %s client opens DTLS over a TLS 1.2 connection', async (build) => {
  const extra =
    build === 'gnutls' ? ['--gnutls-priority', 'NORMAL:-VERS-TLS1.3'] : ['--openssl-ciphers', 'ECDHE+AESGCM'];
  const client = await lab().connect({ build, extra });
  await expectDtls(client);
  await expectThroughput();
});

/** Offers that leave the pre-shared key out, as Cisco's client does. */
const ciscoOffers = [
  ['--dtls12-ciphers', 'ECDHE-RSA-AES256-GCM-SHA384'],
  ['--dtls12-ciphers', 'ECDHE-RSA-AES128-GCM-SHA256'],
  ['--dtls12-ciphers', 'AES256-GCM-SHA384'],
  ['--dtls12-ciphers', 'AES128-GCM-SHA256'],
  ['--dtls-ciphers', 'OC-DTLS1_2-AES256-GCM'],
  ['--dtls-ciphers', 'OC-DTLS1_2-AES128-GCM'],
] as const;

for (const build of clientBuilds) {
  onlyProduct.each(ciscoOffers)(
    `the ${build} client opens DTLS the Cisco way with %s %s`,
    async (option, suite) => {
      const other = option === '--dtls-ciphers' ? [] : ['--dtls-ciphers', 'AES256-SHA'];
      const client = await lab().connect({ build, extra: [option, suite, ...other] });
      expect(client.responseHeaders('X-DTLS-Session-ID')[0]).toMatch(/^[0-9A-Fa-f]{64}$/);
      const chosen = ['X-DTLS12-CipherSuite', 'X-DTLS-CipherSuite'].flatMap((name) =>
        client.responseHeaders(name),
      );
      expect(chosen).toEqual([suite]);
      await expectDtls(client);
    },
  );
}

onlyProduct('a client that offers only suites of DTLS 0.9 gets a tunnel over TLS', async () => {
  const extra = ['--dtls-ciphers', 'AES256-SHA', '--dtls12-ciphers', 'NONE'];
  await expectTlsOnly(await lab().connect({ extra }));
});

test('with UDP dropped from the start the tunnel comes up on TLS', async () => {
  await lab().network.switch?.dropUdp();
  try {
    await expectTlsOnly(await lab().connect({}, 30_000));
    await expectThroughput();
  } finally {
    await lab().network.switch?.heal();
  }
});

test.each(clientBuilds)(
  'with UDP rejected on the way the %s client stays on TLS and lives on',
  async (build) => {
    // As a firewall does that says "port unreachable"; not every kernel lets a bridge say it, so it stands at the end.
    const { gateway } = lab().network;
    const rule = 'udp dport 443 counter reject with icmpx port-unreachable';
    await gateway.nft(`table inet lab_reject {
      chain input { type filter hook input priority -200; ${rule}; }
    }`);
    try {
      const client = await lab().connect({ build }, 30_000);
      await expectTlsOnly(client);
      await expectThroughput();
      expect(client.log).toContain('Set up UDP failed');
      await client.reconnect();
      await eventually('traffic passes again', () => reaches(client.device.namespace, corpAddress));
      // It has given UDP up for as long as it runs, and does not ask for it any more (protocol.md §3.4).
      expect(client.responseHeaders('X-DTLS-App-ID')).toEqual([]);
    } finally {
      await gateway.nft('delete table inet lab_reject');
    }
  },
);

test('with UDP switched off in the configuration nothing is offered and nothing listens', async () => {
  await lab().restartServer({ server: { disableUdpConnections: true } });
  const client = await lab().connect();
  expect(client.responseHeaders('X-DTLS-Port').filter((port) => port !== '0')).toEqual([]);
  const { stdout } = await lab().network.gateway.run(['ss', '-Hlun']);
  expect(stdout).not.toMatch(/:443\s/);
  await expectTlsOnly(client);
});

test('a port other than 443 serves TCP and UDP', async () => {
  await lab().restartServer({ server: { listenPort: 8443 } });
  try {
    await expectDtls(await lab().connect({ url: 'https://vpn.test:8443' }), 8443);
  } finally {
    await lab().dismissClients();
    await lab().restartServer();
  }
});

onlyProduct('over IPv6 outside DTLS works and its MTU leaves room for the longer header', async () => {
  const client = await lab().connect({ address: 'fd50::1' });
  expect(client.responseHeaders('X-CSTP-MTU')).toEqual(['1414']);
  const [session] = await lab().culvert.sessions();
  expect(session?.remoteAddress).toContain('fd50::2');
  await expectDtls(client);
  await expectThroughput();
});
