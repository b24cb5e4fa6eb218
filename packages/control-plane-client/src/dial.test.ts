import { X509Certificate } from 'node:crypto';
import { createServer as createHttpServer, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import {
  type AddressInfo,
  connect,
  createServer as createTcpServer,
  type Server as TcpServer,
} from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import {
  certificatePem,
  issueCertificate,
  makeAuthority,
  newKeys,
  privateKeyPem,
} from '@culvert/certificates/issue.ts';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ControlPlane } from './control-plane.ts';
import { fetchAuthority, fingerprintOf } from './trust.ts';

type Authority = Awaited<ReturnType<typeof makeAuthority>>;
const now = new Date();
const day = 86_400_000;
let authority: Authority;
let inspector: Authority;
const servers: (Server | TcpServer)[] = [];

beforeAll(async () => {
  authority = await makeAuthority('Culvert agent authority', 3650, new Date(now.getTime() - 400 * day));
  inspector = await makeAuthority('Corporate inspection', 3650, now);
});
afterEach(async () => {
  for (const server of servers.splice(0)) {
    if ('closeAllConnections' in server) server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function listen(server: Server | TcpServer): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

async function identity(issuer: Authority, at = now, days = 90, name = 'localhost') {
  const { publicKey, privateKey } = await newKeys();
  const wish = { commonName: name, publicKey, alternativeNames: [name], purpose: 'server' as const, days };
  const certificate = await issueCertificate(issuer, wish, at);
  return {
    cert: certificatePem(certificate) + certificatePem(issuer.certificate),
    key: privateKeyPem(privateKey),
  };
}

/** A control plane that answers everything with `{"hasChanged":true}`. */
async function tlsServer(tls: { cert: string; key: string }, date = new Date()): Promise<number> {
  const server = createTlsServer({ ...tls, ALPNProtocols: ['http/1.1'] }, (socket) => {
    socket.on('error', () => {});
    socket.on('data', () =>
      socket.write(
        `HTTP/1.1 200 OK\r\ndate: ${date.toUTCString()}\r\ncontent-length: 19\r\n\r\n{"hasChanged":true}`,
      ),
    );
  });
  return listen(server);
}

async function httpProxy(status: number): Promise<number> {
  const server = createHttpServer();
  server.on('connect', (request, socket) => {
    socket.on('error', () => {});
    if (status !== 200) return socket.end(`HTTP/1.1 ${status} No\r\ncontent-length: 0\r\n\r\n`);
    const [host, port] = String(request.url).split(':');
    const onward = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    onward.on('error', () => socket.destroy());
    return undefined;
  });
  return listen(server);
}

async function waitOnce(port: number, proxyPort?: number): Promise<boolean> {
  const controlPlane = new ControlPlane({
    url: `https://localhost:${port}`,
    authority: certificatePem(authority.certificate),
    ...(proxyPort === undefined ? {} : { proxy: { host: '127.0.0.1', port: proxyPort } }),
  });
  try {
    return await controlPlane.wait('c');
  } finally {
    await controlPlane.close();
  }
}

describe('the way to the control plane', () => {
  test('leads there directly and through a proxy', async () => {
    const port = await tlsServer(await identity(authority));
    expect(await waitOnce(port)).toBe(true);
    expect(await waitOnce(port, await httpProxy(200))).toBe(true);
  });

  test('through a proxy that wants a password says that this is not supported', async () => {
    await expect(waitOnce(443, await httpProxy(407))).rejects.toThrow(
      'proxies with authentication are not supported',
    );
  });

  test('through a proxy that refuses says which address to allow', async () => {
    await expect(waitOnce(8444, await httpProxy(403))).rejects.toThrow(
      /refuses to connect to localhost:8444/,
    );
  });

  test('through a proxy that inspects TLS names its certificate and what to exempt', async () => {
    const port = await tlsServer(await identity(inspector));
    await expect(waitOnce(port)).rejects.toThrow(
      new RegExp(`inspects TLS.*"CN=Corporate inspection.*for "CN=localhost".*exempt localhost:${port}`),
    );
  });

  test('to another name says for whom the certificate is', async () => {
    const port = await tlsServer(await identity(authority, now, 90, 'other.test'));
    await expect(waitOnce(port)).rejects.toThrow('is for DNS:other.test');
  });

  test('to an expired certificate tells it from a wrong clock, by the time of the other side', async () => {
    const expired = await identity(authority, new Date(now.getTime() - 100 * day), 90);
    await expect(waitOnce(await tlsServer(expired))).rejects.toThrow('restart the control plane');
    const before = new Date(now.getTime() - 50 * day);
    await expect(waitOnce(await tlsServer(expired, before))).rejects.toThrow('set the clock of this host');
  });

  test('to a certificate that is not good yet asks for the clock', async () => {
    const future = await identity(authority, new Date(now.getTime() + 10 * day), 90);
    await expect(waitOnce(await tlsServer(future))).rejects.toThrow('set the clock of this host');
  });

  test('to a port where nobody listens, or that speaks no TLS, says so in words', async () => {
    const silent = createTcpServer();
    const closed = await listen(silent);
    servers.pop();
    await new Promise((resolve) => silent.close(resolve));
    await expect(waitOnce(closed)).rejects.toThrow(`nothing listens at localhost:${closed}`);
    const plain = await listen(
      createTcpServer((socket) =>
        socket
          .on('error', () => {})
          .resume()
          .end('hello\r\n'),
      ),
    );
    await expect(waitOnce(plain)).rejects.toThrow('does not speak TLS');
  });

  test('gives the authority of a fingerprint, and of no other', async () => {
    const port = await tlsServer(await identity(authority));
    const fingerprint = fingerprintOf(new X509Certificate(certificatePem(authority.certificate)));
    const place = { host: 'localhost', port };
    expect(fingerprintOf(new X509Certificate(await fetchAuthority(place, undefined, fingerprint)))).toBe(
      fingerprint,
    );
    await expect(fetchAuthority(place, undefined, 'ab'.repeat(32))).rejects.toThrow('inspects TLS');
  });
});

test('an upload that takes long holds up no other request', async () => {
  const uploading = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const server = createHttpsServer(await identity(authority), async ({ method }, response) => {
    if (method === 'PUT') {
      uploading.resolve();
      await released.promise;
    }
    response.end('{"hasChanged":true}');
  });
  const port = await listen(server);
  const controlPlane = new ControlPlane({
    url: `https://localhost:${port}`,
    authority: certificatePem(authority.certificate),
  });
  const upload = controlPlane.send('PUT', '/agent/v1/log-collections/1/pieces/0', Buffer.alloc(10));
  await uploading.promise;
  await expect(controlPlane.renew('request')).rejects.toThrow('in another way');
  released.resolve();
  expect(await upload).toBe('{"hasChanged":true}');
  await controlPlane.close();
});
