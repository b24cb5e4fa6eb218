import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { clientBuilds } from '../client/builds.ts';
import { serverKind } from '../lab.ts';
import { corpAddress } from '../network/network.ts';
import { measure } from '../traffic/iperf.ts';
import { reaches } from '../traffic/ping.ts';
import { useLab } from './use-lab.ts';

const lab = useLab({ network: { switched: true } });
const onlyProduct = test.runIf(serverKind === 'culvert');

async function expectData(): Promise<void> {
  const { namespace } = lab().network.device;
  expect(await reaches(namespace, corpAddress)).toBe(true);
  for (const direction of ['up', 'down'] as const) {
    const { receivedBytes } = await measure(namespace, { direction, seconds: 1 });
    expect(receivedBytes).toBeGreaterThan(500_000);
  }
}

test.each(clientBuilds)('the %s client opens DTLS with a pre-shared key', async (build) => {
  const client = await lab().connect({ build });
  expect((await client.connected()).dtls).toBe('connected');
  expect(client.responseHeaders('X-DTLS-CipherSuite')).toEqual(['PSK-NEGOTIATE']);
  await expectData();
});

test.each(clientBuilds)('the %s client opens DTLS over a TLS 1.2 connection', async (build) => {
  const extra =
    build === 'gnutls' ? ['--gnutls-priority', 'NORMAL:-VERS-TLS1.3'] : ['--openssl-ciphers', 'ECDHE+AESGCM'];
  const client = await lab().connect({ build, extra });
  expect((await client.connected()).dtls).toBe('connected');
  await expectData();
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
      expect((await client.connected()).dtls).toBe('connected');
      expect(client.responseHeaders('X-DTLS-Session-ID')[0]).toMatch(/^[0-9A-Fa-f]{64}$/);
      const chosen = ['X-DTLS12-CipherSuite', 'X-DTLS-CipherSuite'].flatMap((name) =>
        client.responseHeaders(name),
      );
      expect(chosen).toEqual([suite]);
      expect(await reaches(lab().network.device.namespace, corpAddress)).toBe(true);
    },
  );
}

onlyProduct('a client that offers only suites of DTLS 0.9 gets a tunnel over TLS', async () => {
  const client = await lab().connect({ extra: ['--dtls-ciphers', 'AES256-SHA', '--dtls12-ciphers', 'NONE'] });
  expect((await client.connected()).dtls).not.toBe('connected');
  expect(await reaches(lab().network.device.namespace, corpAddress)).toBe(true);
});

test('with UDP dropped from the start the tunnel comes up on TLS', async () => {
  await lab().network.switch?.dropUdp();
  try {
    const client = await lab().connect({}, 30_000);
    expect((await client.connected()).dtls).not.toBe('connected');
    await expectData();
  } finally {
    await lab().network.switch?.heal();
  }
});

test('with UDP switched off in the configuration nothing is offered and nothing listens', async () => {
  await lab().restartServer({ server: { disableUdpConnections: true } });
  try {
    const client = await lab().connect();
    expect((await client.connected()).dtls).not.toBe('connected');
    expect(client.responseHeaders('X-DTLS-Port').filter((port) => port !== '0')).toEqual([]);
    const { stdout } = await lab().network.gateway.run(['ss', '-Hlun']);
    expect(stdout).not.toMatch(/:443\s/);
    expect(await reaches(lab().network.device.namespace, corpAddress)).toBe(true);
  } finally {
    await lab().restartServer();
  }
});

test('a port other than 443 serves TCP and UDP', async () => {
  await lab().restartServer({ server: { listenPort: 8443 } });
  try {
    const client = await lab().connect({ url: 'https://vpn.test:8443' });
    expect((await client.connected()).dtls).toBe('connected');
    await expectData();
  } finally {
    await lab().restartServer();
  }
});

onlyProduct('over IPv6 outside DTLS works and its MTU leaves room for the longer header', async () => {
  const client = await lab().connect({ address: '[fd50::1]' });
  expect((await client.connected()).dtls).toBe('connected');
  expect(client.responseHeaders('X-CSTP-MTU')).toEqual(['1414']);
  await sleep(500);
  await expectData();
});
