import { readFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { connect, createServer as createTcp, type Server as TcpServer } from 'node:net';
import { CertificateWorkshop } from '@culvert/certificates/testing/certificates.ts';
import type { HttpProxy } from '@culvert/control-plane-client/proxy.ts';
import { deadPort, listen } from '@culvert/network-errors/testing/servers.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { askOverHttp } from './http-request.ts';
import { imageRegistryProbe, internalNetworkProbe } from './reachability-probes.ts';

const servers: TcpServer[] = [];
const stop = new AbortController().signal;
const workshop = new CertificateWorkshop();
beforeAll(() => {
  workshop.authority('internal');
  workshop.issue('site', 'internal', { extensions: ['subjectAltName=IP:127.0.0.1'] });
});
afterAll(() => {
  for (const server of servers) {
    if ('closeAllConnections' in server) (server as Server).closeAllConnections();
    server.close();
  }
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  return `http://127.0.0.1:${await listen(server)}`;
}

async function serveSecurely(listener: RequestListener): Promise<string> {
  const [key, cert] = ['key', 'crt'].map((ending) => readFileSync(workshop.path(`site.${ending}`)));
  if (key === undefined || cert === undefined) throw new Error('no certificate');
  const server = createHttps({ key, cert }, listener);
  servers.push(server);
  return `https://127.0.0.1:${await listen(server)}`;
}

/** A forward proxy: absolute-form requests (RFC 9112 §3.2.2) and CONNECT (RFC 9110 §9.3.6). */
async function serveProxy(): Promise<{ proxy: HttpProxy; used: string[] }> {
  const used: string[] = [];
  const server = createServer((request, response) => {
    used.push(`${request.method} ${request.url}`);
    response.writeHead(401).end();
  });
  server.on('connect', (request, socket) => {
    used.push(`CONNECT ${request.url}`);
    const [host, port] = (request.url ?? '').split(':');
    const onward = connect({ host: host ?? '', port: Number(port) }, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    onward.on('error', () => socket.destroy());
    socket.on('error', () => onward.destroy());
  });
  servers.push(server);
  return { proxy: { host: '127.0.0.1', port: await listen(server) }, used };
}

const answerWith =
  (status: number): RequestListener =>
  (_, response) =>
    response.writeHead(status, { location: 'http://127.0.0.1:1/' }).end();

async function internal(url: string | null) {
  const probe = internalNetworkProbe(() => ({ internalNetworkProbeUrl: url, imageRegistryUrl: null }));
  return (await probe.measure(stop)).internalNetworkReachable;
}

async function registry(url: string | null, proxy?: HttpProxy) {
  const probe = imageRegistryProbe(
    () => ({ internalNetworkProbeUrl: null, imageRegistryUrl: url }),
    () => proxy,
  );
  return (await probe.measure(stop)).imageRegistryReachable;
}

describe('the internal network', () => {
  test.each([200, 204, 301, 401, 403, 404, 499])(
    'is reached when the address answers with %d',
    async (status) => {
      expect(await internal(await serve(answerWith(status)))).toEqual({ value: 1 });
    },
  );

  test.each([500, 502, 503])('is not reached when something on the way answers with %d', async (status) => {
    const url = await serve(answerWith(status));
    expect(await internal(url)).toEqual({ value: 0, reason: `${url} answers with status ${status}` });
  });

  test('is reached at an address with a certificate of an internal authority', async () => {
    expect(await internal(await serveSecurely(answerWith(200)))).toEqual({ value: 1 });
  });

  test('is not reached where nobody listens', async () => {
    const url = `http://127.0.0.1:${await deadPort(createTcp())}/`;
    expect(await internal(url)).toEqual({
      value: 0,
      reason: `${url} cannot be reached: the connection is refused`,
    });
  });

  test('is not reached by a name that DNS does not know', async () => {
    expect((await internal('http://intranet.invalid/'))?.reason).toContain('DNS');
  });

  test('is not reached where something closes the connection, or speaks no TLS', async () => {
    const server = createTcp((socket) => socket.end('what?\r\n\r\n'));
    servers.push(server);
    const port = await listen(server);
    expect(await internal(`http://127.0.0.1:${port}/`)).toMatchObject({ value: 0 });
    expect((await internal(`https://127.0.0.1:${port}/`))?.reason).toMatch(/TLS failed|was closed/);
  });

  test('has no value without an address, and none before the settings are known', async () => {
    expect(await internal(null)).toEqual({ reason: 'the site has no URL to probe' });
    expect(await internalNetworkProbe(() => undefined).measure(stop)).toEqual({
      internalNetworkReachable: { reason: 'the settings of the site have not arrived yet' },
    });
  });

  test('does not put the password of an address into a reason', async () => {
    const port = await deadPort(createTcp());
    const result = await internal(`http://probe:secret@127.0.0.1:${port}/`);
    expect(result?.reason).toContain(`http://127.0.0.1:${port}/ cannot be reached`);
  });
});

describe('the image registry', () => {
  test('is asked for at the start of its API', async () => {
    const asked: (string | undefined)[] = [];
    const url = await serve((request, response) => {
      asked.push(request.url);
      response.writeHead(401).end();
    });
    expect(await registry(`${url}/`)).toEqual({ value: 1 });
    expect(asked).toEqual(['/v2/']);
  });

  test.each([
    [200, 1],
    [401, 1],
    [404, 0],
    [500, 0],
    [302, 0],
  ])('that answers with %d has the value %d', async (status, value) => {
    expect(await registry(await serve(answerWith(status)))).toMatchObject({ value });
  });

  test('must prove who it is, because images come from there', async () => {
    expect((await registry(await serveSecurely(answerWith(200))))?.reason).toContain('TLS failed');
  });

  test('is asked through the proxy, where there is one', async () => {
    const { proxy, used } = await serveProxy();
    expect(await registry('http://registry.invalid', proxy)).toEqual({ value: 1 });
    const secure = await serveSecurely(answerWith(200));
    expect((await registry(secure, proxy))?.reason).toContain(`through the proxy 127.0.0.1:${proxy.port}`);
    expect(used).toEqual(['GET http://registry.invalid/v2/', `CONNECT ${secure.replace('https://', '')}`]);
  });
});

describe('a request', () => {
  const question = { proxy: undefined, provesServer: true, longestAnswer: 1000 };

  test('brings back the answer', async () => {
    const url = await serve((request, response) => request.pipe(response));
    const body = { type: 'text/plain', content: Buffer.from('ping') };
    const answer = await askOverHttp({ ...question, url, body }, stop);
    expect([answer.status, answer.body.toString()]).toEqual([200, 'ping']);
  });

  test('gives up an answer without end', async () => {
    const url = await serve((_, response) => {
      const fill = () => {
        while (response.write(Buffer.alloc(500))) {}
      };
      response.on('drain', fill);
      fill();
    });
    await expect(askOverHttp({ ...question, url }, stop)).rejects.toThrow('longer than 1000 bytes');
  });

  test('gives up an answer that does not come, or does not end, in time', async () => {
    const silent = await serve(() => {});
    const halting = await serve((_, response) => response.writeHead(200).write('a'));
    for (const url of [silent, halting]) {
      const limit = AbortSignal.timeout(50);
      await expect(askOverHttp({ ...question, url }, limit)).rejects.toThrow('does not answer in time');
    }
  });
});
