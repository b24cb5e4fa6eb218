import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CertificateWorkshop } from '@culvert/certificates/testing/certificates.ts';
import { TestServers } from '@culvert/network-errors/testing/servers.ts';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { daysLeft } from './certificate-days.ts';
import { judgeAgentCertificate, judgeGateway } from './gateway-probes.ts';
import { KnownGateway } from './known-gateway.ts';

const directory = mkdtempSync(join(tmpdir(), 'culvert-health-'));
const workshop = new CertificateWorkshop();
const dayMilliseconds = 86_400_000;
const servers = new TestServers();
const status = { engine: { connected: true }, sessions: { connected: 7 } };
let chain: string;
let sockets = 0;

beforeAll(() => {
  workshop.authority('root');
  workshop.issue('middle', 'root', { extensions: ['basicConstraints=critical,CA:TRUE'] });
  workshop.issue('vpn.example.com', 'middle', { days: 100 });
  chain = ['vpn.example.com', 'middle'].map((name) => workshop.read(`${name}.crt`)).join('');
});
afterEach(() => {
  servers.close();
});
afterAll(() => rmSync(directory, { recursive: true }));

describe('the health of the gateway', () => {
  const leaf = () => new X509Certificate(workshop.read('vpn.example.com.crt'));
  const now = () => new Date(leaf().validToDate.getTime() - 99.5 * dayMilliseconds);
  const good = () => ({ value: { chain: [leaf()], status: 200 } });

  test('is good when it tells so itself and answers at its port', () => {
    expect(judgeGateway({ value: status }, good(), now())).toEqual({
      currentConnections: { value: 7 },
      serverContainerHealthy: { value: 1 },
      tlsCertificateDaysLeft: { value: 99 },
    });
  });

  test.each([
    ['no gateway', { error: 'no gateway is running on this host' }, undefined, 'no gateway is running'],
    ['no engine', { value: { ...status, engine: { connected: false } } }, undefined, 'no engine'],
    ['no answer', { value: status }, { error: 'port 443 does not answer' }, 'does not answer'],
    ['draining', { value: status }, 503, 'status 503'],
  ])('is bad with its reason: %s', (_, asked, served, reason) => {
    const visit =
      typeof served === 'number' ? { value: { chain: [leaf()], status: served } } : (served ?? good());
    const { serverContainerHealthy } = judgeGateway(asked, visit, now());
    expect(serverContainerHealthy?.value).toBe(0);
    expect(serverContainerHealthy?.reason).toContain(reason);
  });

  test('of a gateway that is away leaves the certificate that its engine serves', () => {
    const { tlsCertificateDaysLeft, currentConnections } = judgeGateway({ error: 'away' }, good(), now());
    expect(tlsCertificateDaysLeft).toEqual({ value: 99 });
    expect(currentConnections).toEqual({ reason: 'away' });
  });
});

describe('the days of a certificate', () => {
  test('are whole ones, with a reason from thirty on and below zero after the end', () => {
    const certificate = new X509Certificate(workshop.read('vpn.example.com.crt'));
    const end = certificate.validToDate.getTime();
    fc.assert(
      fc.property(
        fc.integer({ min: -400, max: 400 }),
        fc.integer({ min: 1, max: 86_399_999 }),
        (days, rest) => {
          const left = daysLeft(certificate, new Date(end - days * 86_400_000 - rest), 'renew it');
          expect(left.value).toBe(days);
          expect(left.reason === undefined).toBe(days > 30);
          if (left.reason !== undefined)
            expect(left.reason).toContain(days < 0 ? 'expired on' : 'expires on');
        },
      ),
    );
  });

  test('of an agent that has not joined, or whose file is broken, are none', () => {
    expect(judgeAgentCertificate(undefined, new Date())).toHaveProperty('reason');
    expect(judgeAgentCertificate('-----BEGIN CERTIFICATE-----', new Date())).toHaveProperty('reason');
    expect(judgeAgentCertificate(chain, new Date())).toHaveProperty('value');
  });
});

describe('the gateway of this host', () => {
  async function at(answers: Readonly<Record<string, readonly [number, string]>>): Promise<KnownGateway> {
    sockets += 1;
    const path = join(directory, `${sockets}.sock`);
    await servers.local(path, answers);
    return new KnownGateway(path);
  }
  const leaf = () => new X509Certificate(workshop.read('vpn.example.com.crt')).raw.toString('base64');

  test('is read with everything else that stands in its status', async () => {
    const gateway = await at({ '/status': [200, JSON.stringify({ ...status, startedAt: 1 })] });
    expect(await gateway.status()).toEqual(status);
  });

  test('that cannot be asked is told in words', async () => {
    await expect(new KnownGateway(join(directory, 'none.sock')).status()).rejects.toThrow(
      'no gateway is running',
    );
    for (const [code, body, words] of [
      [503, '{"error":"the gateway is still starting"}', 'not ready'],
      [200, 'no', 'in another way'],
      [200, '{}', 'in another way'],
    ] as const) {
      await expect((await at({ '/status': [code, body] })).status()).rejects.toThrow(words);
    }
  });

  test('tells in its own words why it cannot measure', async () => {
    const error = 'port 443 of 127.0.0.1 does not answer: the connection is refused';
    const gateway = await at({ '/measurements/front': [500, JSON.stringify({ error })] });
    await expect(gateway.served()).rejects.toThrow(error);
  });

  test('that is away still has the certificate that its engine serves', async () => {
    const gateway = await at({
      '/measurements/front': [200, JSON.stringify({ chain: [leaf()], status: 200 })],
    });
    const { chain } = await gateway.served();
    expect(chain.map(({ subject }) => subject)).toEqual(['CN=vpn.example.com']);
    servers.close();
    expect((await gateway.served()).chain).toEqual(chain);
    await expect(gateway.traffic()).rejects.toThrow('no gateway is running on this host');
  });
});
