import { createHash, X509Certificate } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:tls';
import {
  certificatePem,
  issueCertificate,
  makeAuthority,
  newKeys,
  privateKeyPem,
} from '@culvert/certificates/issue.ts';
import { dtlsHelloVerifyRequest, isDtlsClientHello } from '@culvert/contracts';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TestContext, testApplication } from '../testing/application.ts';
import { describeOnEachEngine } from '../testing/databases.ts';
import { explainForbidden } from './address-rule.ts';
import { ProbeLimit } from './limit.ts';
import { datagrams, probeAddress } from './probe.ts';
import { registerInboundProbes } from './routes.ts';

describe('the addresses that the control plane connects back to', () => {
  test.each([
    ['203.0.113.7', '198.51.100.1', false],
    ['8.8.8.8', '198.51.100.1', true],
    ['2a00:1450:4001:82a::200e', '198.51.100.1', true],
    ['10.1.2.3', '198.51.100.1', false],
    ['10.1.2.3', '192.168.7.7', true],
    ['::ffff:10.1.2.3', '198.51.100.1', false],
    ['fd00::1', 'fd00::2', true],
    ['fd00::1', '2a00:1450:4001:82a::200e', false],
    ['127.0.0.1', '127.0.0.1', false],
    ['::1', '::1', false],
    ['::ffff:127.0.0.1', '127.0.0.1', false],
    ['169.254.169.254', '10.0.0.1', false],
    ['fe80::1', 'fe80::2', false],
    ['0.0.0.0', '10.0.0.1', false],
    ['255.255.255.255', '10.0.0.1', false],
    ['224.0.0.1', '10.0.0.1', false],
    ['64:ff9b::a00:1', '10.0.0.1', false],
    ['2002:a00:1::', '10.0.0.1', false],
    ['10.1.2.3', 'no address', false],
  ])('%s for a caller at %s: %s', (target, caller, isAllowed) => {
    expect(explainForbidden(target, caller) === undefined).toBe(isAllowed);
  });

  test('whatever the caller is, never one of this host itself', () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.nat(0xffffff), (caller, host) => {
        const target = `127.${host >> 16}.${(host >> 8) & 255}.${host & 255}`;
        expect(explainForbidden(target, caller)).toBeDefined();
      }),
    );
  });
});

describe('how often', () => {
  test('one caller in five seconds, one address in three', () => {
    const limit = new ProbeLimit();
    expect(limit.admit('a', ['8.8.8.8'], 0)).toBe(0);
    expect(limit.admit('a', ['8.8.4.4'], 1_000)).toBe(4);
    expect(limit.admit('b', ['8.8.8.8'], 1_000)).toBe(2);
    expect(limit.admit('b', ['8.8.8.8'], 3_000)).toBe(0);
    expect(limit.admit('a', ['8.8.4.4'], 5_000)).toBe(0);
  });

  test('eight at the same time', async () => {
    const limit = new ProbeLimit();
    const gate = Promise.withResolvers<void>();
    const running = Array.from({ length: 8 }, (_, index) => {
      expect(limit.admit(`caller ${index}`, [`8.8.8.${index}`], 0)).toBe(0);
      return limit.run(() => gate.promise);
    });
    expect(limit.admit('one more', ['9.9.9.9'], 0)).toBeGreaterThan(0);
    gate.resolve();
    await Promise.all(running);
    expect(limit.admit('one more', ['9.9.9.9'], 0)).toBe(0);
  });
});

describe('a probe', () => {
  const cookie = 'ab'.repeat(16);
  const short = 700;
  let server: Server;
  let port: number;
  let certificateFingerprint: string;
  const udp = createSocket('udp4');
  let sentCookie = cookie;
  let received = 0;

  beforeAll(async () => {
    const authority = await makeAuthority('Probe', 1, new Date());
    const { publicKey, privateKey } = await newKeys();
    const wish = { commonName: 'x', publicKey, alternativeNames: ['x'], purpose: 'server', days: 1 } as const;
    const cert = certificatePem(await issueCertificate(authority, wish, new Date()));
    server = createServer({ cert, key: privateKeyPem(privateKey) }, (socket) => socket.on('error', () => {}));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
    certificateFingerprint = createHash('sha256').update(new X509Certificate(cert).raw).digest('hex');
    udp.on('message', (datagram, from) => {
      received += 1;
      if (isDtlsClientHello(datagram))
        udp.send(dtlsHelloVerifyRequest(Buffer.from(sentCookie, 'hex')), from.port, from.address);
    });
    udp.bind(port, '127.0.0.1');
    await once(udp, 'listening');
  });
  afterAll(() => {
    server.close();
    udp.close();
  });

  const probe = (wanted: { fingerprint?: string; udpCookie?: string | null } = {}) =>
    probeAddress(
      '127.0.0.1',
      {
        port,
        certificateFingerprint: wanted.fingerprint ?? certificateFingerprint,
        udpCookie: wanted.udpCookie === undefined ? cookie : wanted.udpCookie,
      },
      short,
    );

  test('arrives where the certificate and the cookie that were named answer', async () => {
    expect(await probe()).toEqual({
      tcp: { hasArrived: true, milliseconds: expect.any(Number) },
      udp: { hasArrived: true, milliseconds: expect.any(Number) },
      datagrams,
    });
  });

  test('does not arrive where somebody else answers, and takes as long as where nobody does', async () => {
    sentCookie = 'cd'.repeat(16);
    const startedAt = performance.now();
    const { tcp, udp: overUdp } = await probe({ fingerprint: '0'.repeat(64) });
    sentCookie = cookie;
    expect(performance.now() - startedAt).toBeGreaterThan(short - 50);
    const nothing = { hasArrived: false, milliseconds: null };
    expect([tcp, overUdp]).toEqual([nothing, nothing]);
  });

  test('that is counted by the other side waits for no answer', async () => {
    received = 0;
    const { udp: overUdp } = await probe({ udpCookie: null });
    expect(overUdp.hasArrived).toBe(false);
    expect(received).toBeGreaterThan(0);
  });
});

describeOnEachEngine('POST /api/v1/inboundProbes', (database) => {
  const body = {
    address: '10.255.255.254',
    port: 443,
    certificateFingerprint: '0'.repeat(64),
    udpCookie: 'ab'.repeat(16),
  };
  const begin = async () => {
    const context = new TestContext(database());
    context.letInWith('reader', 'Microsoft.Intune_MicrosoftTunnelGateway_Read');
    const application = await testApplication(context, registerInboundProbes);
    const ask = (caller: string, changes: object = {}, remoteAddress = '8.8.8.8') =>
      application.inject({
        method: 'POST',
        url: '/api/v1/inboundProbes',
        headers: { authorization: `Bearer ${caller}` },
        payload: { ...body, ...changes },
        remoteAddress,
      });
    return { context, ask };
  };

  test('needs the permission to create servers', async () => {
    const { ask } = await begin();
    expect((await ask('nobody')).statusCode).toBe(401);
    expect((await ask('reader')).statusCode).toBe(403);
  });

  test('refuses what it must not connect to, and what is no probe', async () => {
    const { ask } = await begin();
    for (const changes of [
      {},
      { address: '127.0.0.1' },
      { address: '169.254.169.254' },
      { port: 0 },
      { port: 65_536 },
      { certificateFingerprint: 'x' },
      { address: 'vpn.example.com/path' },
      { address: 'no-such-name.invalid' },
      { extra: 1 },
    ]) {
      expect([changes, (await ask('administrator', changes)).statusCode]).toEqual([changes, 400]);
    }
  });

  test('is bounded, and written into the audit log', async () => {
    const { context, ask } = await begin();
    const [first, second] = await Promise.all([
      ask('administrator', {}, '10.0.0.9'),
      ask('administrator', {}, '10.0.0.9'),
    ]);
    expect([first.statusCode, second.statusCode].sort()).toEqual([200, 429]);
    const refused = [first, second].find(({ statusCode }) => statusCode === 429);
    expect(Number(refused?.headers['retry-after'])).toBeGreaterThan(0);
    const entry = await context.database.tables
      .selectFrom('audit_entries')
      .selectAll()
      .where('action', '=', 'inboundProbe.create')
      .executeTakeFirstOrThrow();
    expect(JSON.parse(entry.after ?? '')).toMatchObject({ address: body.address, port: 443 });
  });
});
