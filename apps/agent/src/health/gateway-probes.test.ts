import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer as createTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CertificateWorkshop } from '@culvert/certificates/testing/certificates.ts';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { daysLeft } from './certificate-days.ts';
import { visitGateway } from './gateway-connection.ts';
import { judgeAgentCertificate, judgeGateway } from './gateway-probes.ts';
import { type GatewayStatus, readGatewayStatus } from './gateway-status.ts';
import { timeToUnreachable } from './latency-probe.ts';
import { deadPort, statusOf, TestServers } from './testing.ts';

const directory = mkdtempSync(join(tmpdir(), 'culvert-health-'));
const workshop = new CertificateWorkshop();
const dayMilliseconds = 86_400_000;
const stop = new AbortController().signal;
const servers = new TestServers();
let chain: string;
let identity: { key: string; cert: string };

beforeAll(() => {
  workshop.authority('root');
  workshop.issue('middle', 'root', { extensions: ['basicConstraints=critical,CA:TRUE'] });
  workshop.issue('vpn.example.com', 'middle', { days: 100 });
  chain = ['vpn.example.com', 'middle'].map((name) => workshop.read(`${name}.crt`)).join('');
  identity = { key: workshop.read('vpn.example.com.key'), cert: chain };
});
afterEach(() => {
  servers.close();
});
afterAll(() => rmSync(directory, { recursive: true }));

describe('a visit of the gateway', () => {
  test('brings the chain that is served, and how it answers', async () => {
    const served = await visitGateway(
      statusOf(await servers.front(identity, 'HTTP/1.1 200 OK\r\n\r\nalive')),
      stop,
    );
    expect(served.status).toBe(200);
    expect(served.chain.map(({ subject }) => subject)).toEqual(['CN=vpn.example.com', 'CN=middle']);
  });

  test('says to one behind a balancer that it only looks', async () => {
    const port = await servers.front(identity, 'HTTP/1.1 200 OK\r\n\r\n', 'PROXY UNKNOWN\r\n');
    expect((await visitGateway(statusOf(port, true), stop)).status).toBe(200);
  });

  test('names the step that failed', async () => {
    const nobody = await deadPort(createTcp());
    await expect(visitGateway(statusOf(nobody), stop)).rejects.toThrow(
      `port ${nobody} of 127.0.0.1 does not answer: the connection is refused`,
    );
    const noTls = await servers.tcp((socket) => socket.write('220 mail ready\r\n'));
    await expect(visitGateway(statusOf(noTls), stop)).rejects.toThrow('the TLS handshake');
    const closed = await servers.tcp((socket) => socket.destroy());
    await expect(visitGateway(statusOf(closed), stop)).rejects.toThrow(/the TLS handshake|does not answer/);
    const noHttp = await servers.front(identity, 'hello');
    await expect(visitGateway(statusOf(noHttp), stop)).rejects.toThrow('GET /');
  });

  test('ends with its signal where nothing answers', async () => {
    const silent = await servers.tcp(() => {});
    await expect(visitGateway(statusOf(silent), AbortSignal.timeout(50))).rejects.toThrow('in time');
  });
});

describe('the health of the gateway', () => {
  const leaf = () => new X509Certificate(workshop.read('vpn.example.com.crt'));
  const now = () => new Date(leaf().validToDate.getTime() - 99.5 * dayMilliseconds);
  const good = () => ({ value: { chain: [leaf()], status: 200 } });

  test('is good when it tells so itself and answers at its port', () => {
    expect(judgeGateway({ value: statusOf(443) }, good(), now())).toEqual({
      currentConnections: { value: 7 },
      serverContainerHealthy: { value: 1 },
      tlsCertificateDaysLeft: { value: 99 },
    });
  });

  test.each([
    ['no gateway', { error: 'no gateway is running on this host' }, undefined, 'no gateway is running'],
    ['no engine', { value: { ...statusOf(443), engine: { connected: false } } }, undefined, 'no engine'],
    ['no answer', { value: statusOf(443) }, { error: 'port 443 does not answer' }, 'does not answer'],
    ['draining', { value: statusOf(443) }, 503, 'status 503'],
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

describe('the status of the gateway', () => {
  async function askedOf(code: number, body: string): Promise<GatewayStatus> {
    const path = join(directory, `${code}-${body.length}-${body.charCodeAt(0)}.sock`);
    await servers.administration(path, code, body);
    return readGatewayStatus(path);
  }

  test('is read with everything else that stands in it', async () => {
    const told = { ...statusOf(443), startedAt: 1 };
    expect(await askedOf(200, JSON.stringify(told))).toEqual(statusOf(443));
  });

  test('that cannot be had is told in words', async () => {
    await expect(readGatewayStatus(join(directory, 'none.sock'))).rejects.toThrow('no gateway is running');
    await expect(askedOf(503, '{}')).rejects.toThrow('not ready');
    await expect(askedOf(200, 'no')).rejects.toThrow('in another way');
    await expect(askedOf(200, '{}')).rejects.toThrow('in another way');
  });
});

test('a packet that a host refuses, or takes, tells nothing of the engine', async () => {
  expect(await timeToUnreachable('127.0.0.1', stop)).toBeUndefined();
});
