import { X509Certificate } from 'node:crypto';
import { createServer as createTcp } from 'node:net';
import { CertificateWorkshop } from '@culvert/certificates/testing/certificates.ts';
import { deadPort, TestServers } from '@culvert/network-errors/testing/servers.ts';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type FrontPlace, visitFront } from './front.ts';
import { timeToUnreachable } from './latency.ts';

const workshop = new CertificateWorkshop();
const stop = new AbortController().signal;
const servers = new TestServers();
let identity: { key: string; cert: string };

beforeAll(() => {
  workshop.authority('root');
  workshop.issue('middle', 'root', { extensions: ['basicConstraints=critical,CA:TRUE'] });
  workshop.issue('vpn.example.com', 'middle');
  const cert = ['vpn.example.com', 'middle'].map((name) => workshop.read(`${name}.crt`)).join('');
  identity = { key: workshop.read('vpn.example.com.key'), cert };
});
afterEach(() => {
  servers.close();
});

function frontAt(listenPort: number, proxyProtocol = false): FrontPlace {
  return { publicAddress: 'vpn.example.com', listenPort, listenAddresses: undefined, proxyProtocol };
}

describe('a visit to the front', () => {
  test('brings the chain that is served, and how it answers', async () => {
    const served = await visitFront(
      frontAt(await servers.front(identity, 'HTTP/1.1 200 OK\r\n\r\nalive')),
      stop,
    );
    expect(served.status).toBe(200);
    const certificates = served.chain.map((der) => new X509Certificate(Buffer.from(der, 'base64')));
    expect(certificates.map(({ subject }) => subject)).toEqual(['CN=vpn.example.com', 'CN=middle']);
  });

  test('says to one behind a balancer that it only looks', async () => {
    const port = await servers.front(identity, 'HTTP/1.1 200 OK\r\n\r\n', 'PROXY UNKNOWN\r\n');
    expect((await visitFront(frontAt(port, true), stop)).status).toBe(200);
  });

  test('names the step that failed', async () => {
    const nobody = await deadPort(createTcp());
    await expect(visitFront(frontAt(nobody), stop)).rejects.toThrow(
      `port ${nobody} of 127.0.0.1 does not answer: the connection is refused`,
    );
    const noTls = await servers.tcp((socket) => socket.write('220 mail ready\r\n'));
    await expect(visitFront(frontAt(noTls), stop)).rejects.toThrow('the TLS handshake');
    const closed = await servers.tcp((socket) => socket.destroy());
    await expect(visitFront(frontAt(closed), stop)).rejects.toThrow(/the TLS handshake|does not answer/);
    const noHttp = await servers.front(identity, 'hello');
    await expect(visitFront(frontAt(noHttp), stop)).rejects.toThrow('GET /');
  });

  test('ends with its signal where nothing answers', async () => {
    const silent = await servers.tcp(() => {});
    await expect(visitFront(frontAt(silent), AbortSignal.timeout(50))).rejects.toThrow('in time');
  });
});

test('a packet that a host refuses, or takes, tells nothing of the engine', async () => {
  expect(await timeToUnreachable('127.0.0.1', stop)).toBeUndefined();
});
