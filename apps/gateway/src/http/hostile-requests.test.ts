import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  connectRequest,
  initBody,
  opaqueOf,
  post,
  replyBody,
  signIn,
  startService,
  type TestService,
  until,
} from '../service-testing.ts';
import { limits, RelayServer } from './relay-server.ts';
import { RelayedConnection } from './relay-testing.ts';

let service: TestService;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.close());

const get = (path: string, extra = '') => `GET ${path} HTTP/1.1\r\nHost: a\r\n${extra}\r\n`;

describe('the static pages', () => {
  test('are the same bytes for every plain GET and HEAD of /', async () => {
    const answers = [];
    for (const agent of ['curl/8', 'Mozilla/5.0', 'ELB-HealthChecker/2.0']) {
      answers.push(await service.connect().request(get('/', `User-Agent: ${agent}\r\n`)));
      await new Promise((resolve) => setTimeout(resolve, 400));
    }
    expect(answers[0]).toMatchObject({ status: 200 });
    expect(answers[1]).toEqual(answers[0]);
    expect(answers[2]).toEqual(answers[0]);
    expect(JSON.stringify(answers[0])).not.toMatch(/culvert|fastify|node|date/i);
    const connection = service.connect();
    connection.write('HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    const head = await connection.untilClosed();
    expect(head).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(head).toMatch(/\r\n\r\n$/);
  });

  test.each([
    ['/1/index.html', '<html></html>'],
    ['/1/binaries/update.txt', '0,0,0000'],
    ['/VPNManifest.xml', '<vpn rev="1.0">'],
    ['/+CSCOT+/translation-table?textdomain=AnyConnect&type=manifest', '<vpn rev="1.0">'],
    ['/logout', '<html></html>'],
  ])('answer %s as Cisco clients expect', async (path, text) => {
    const answer = await service.connect().request(get(path));
    expect(answer.status).toBe(200);
    expect(answer.body).toContain(text);
  });

  test.each([
    '/admin',
    '/CACHE/x',
    '/+CSCOE+/logon.html',
    '/+webvpn+/index.html',
    '/../../etc/passwd',
    '/profiles/profile.xml',
    '/auth',
    '/%2e%2e/x',
  ])('do not exist at %s', async (path) => {
    const answer = await service.connect().request(get(path));
    expect(answer.status).toBe(404);
    expect(answer.body).toBe('Not found\n');
  });
});

describe('hostile HTTP', () => {
  test('header-of-64-kB is refused', async () => {
    const answer = await service.connect().request(get('/', `X-Pad: ${'0'.repeat(65_536)}\r\n`));
    expect(answer.status).toBe(431);
  });

  test('body-of-1-MB is refused without being read', async () => {
    const answer = await service
      .connect()
      .request(post(`<config-auth>${'x'.repeat(1_000_000)}</config-auth>`));
    expect(answer.status).toBe(413);
  });

  test('two-requests-in-one-write close the connection', async () => {
    const connection = service.connect();
    connection.write(Buffer.concat([post(initBody()), post(initBody())]));
    await connection.untilClosed();
  });

  test('bytes-behind-connect close the connection', async () => {
    const cookie = await signIn(service.connect());
    const before = service.engine.attachments.length;
    const connection = service.connect();
    connection.write(`${connectRequest(cookie)}STF\x01\x00\x00\x03\x00`);
    expect(await connection.untilClosed()).toBe('');
    expect(service.engine.attachments).toHaveLength(before);
  });

  test('chunked-and-content-length together are refused', async () => {
    const answer = await service
      .connect()
      .request(
        'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      );
    expect(answer.status).toBe(400);
  });

  test('the-33rd-request finds the connection closed', async () => {
    const connection = service.connect();
    let served = 0;
    for (; served < 40; served += 1) {
      const answer = await connection.request(get('/')).catch(() => undefined);
      if (answer === undefined || answer.status !== 200) break;
    }
    expect(served).toBe(limits.requestsPerConnection);
  });

  test('garbage-instead-of-http gets 400', async () => {
    const answer = await service.connect().request('\x16\x03\x01\x02\x00\r\n\r\n');
    expect(answer.status).toBe(400);
  });

  test('no-proxy-header closes the connection without a word', async () => {
    const { connect } = await import('node:net');
    const socket = connect(service.path);
    let received = '';
    socket.on('data', (chunk: Buffer) => {
      received += chunk;
    });
    socket.write(get('/'));
    await new Promise((resolve) => socket.on('close', resolve));
    expect(received).toBe('');
  });

  test('crlf-in-names reaches neither answer nor log', async () => {
    const cookie = await signIn(service.connect());
    const request = connectRequest(cookie, 'X-CSTP-Hostname: a\x0bb\u0085\r\n').replace(
      'X-CSTP-Hostname: vm\r\n',
      '',
    );
    const connection = service.connect({ connection: 4242 });
    connection.write(Buffer.from(request, 'latin1'));
    // Node refuses the control character; either way nothing of it comes back.
    const answer = await connection.answer().catch(() => undefined);
    expect(answer?.status ?? 400).toBe(400);
    expect(JSON.stringify(service.log())).not.toContain('\\u000b');
  });
});

describe('hostile XML', () => {
  const refused = async (body: string | Buffer) => {
    const answer = await service.connect().request(post(body));
    expect(answer.status).toBe(400);
    expect(answer.body).toBe('Bad request\n');
  };

  test('xml-with-entities', () =>
    refused('<!DOCTYPE a [<!ENTITY e "eeee">]><config-auth type="init">&e;</config-auth>'));
  test('xml-with-undefined-entity', () => refused('<config-auth type="init">&secret;</config-auth>'));
  test('xml-with-external-dtd', () =>
    refused('<!DOCTYPE config-auth SYSTEM "file:///etc/passwd"><config-auth type="init"/>'));
  test('xml-nested-too-deeply', () =>
    refused(`<config-auth type="init">${'<a>'.repeat(100)}${'</a>'.repeat(100)}</config-auth>`));
  test('xml-with-too-many-elements', () =>
    refused(`<config-auth type="init">${'<a/>'.repeat(600)}</config-auth>`));
  test('xml-with-bad-utf8', () =>
    refused(
      Buffer.concat([
        Buffer.from('<config-auth type="init">'),
        Buffer.from([0xc3, 0x28]),
        Buffer.from('</config-auth>'),
      ]),
    ));
  test('xml-in-utf-16', () =>
    refused(Buffer.from('\ufeff<?xml version="1.0"?><config-auth/>', 'utf16le').subarray(2)));
  test('xml-cut-off', () => refused(initBody().slice(0, 200)));
  test('xml-with-another-root', () => refused('<auth/>'));
  test('xml-of-unknown-type', () => refused('<config-auth type="shell"/>'));
  test('password-duplicated', async () => {
    const form = await service.connect().request(post(initBody()));
    const body = replyBody(opaqueOf(form.body), 'alice', 'correct horse');
    await refused(body.replace('<password>', '<password>x</password><password>'));
    await refused(body.replace('</config-auth>', '<auth><username>a</username></auth></config-auth>'));
  });
  test('password-with-elements', async () => {
    await refused(replyBody('', 'alice', '<b>correct horse</b>'));
  });
  test('form-with-duplicated-password', () => refused('username=alice&password=a&password=b'));
});

describe('X-CSTP-MTU and X-CSTP-Base-MTU', () => {
  test.each([
    ['-1', 1434],
    ['0', 734],
    ['1', 734],
    ['67', 734],
    ['1300', 1234],
    ['65536', 1434],
    ['4294967295', 1434],
    ['1500abc', 1434],
    ['1500\r\nX-CSTP-Base-MTU: 67', 1434],
    ['99999999999999999999', 1434],
  ])('cstp-mtu %j gives a tunnel of %d bytes', async (value, inner) => {
    const cookie = await signIn(service.connect());
    const before = service.engine.attachments.length;
    const request = connectRequest(cookie)
      .replace('X-CSTP-Base-MTU: 1500', `X-CSTP-Base-MTU: ${value}`)
      .replace('X-CSTP-MTU: 1390', `X-CSTP-MTU: ${value.replaceAll('Base-', '')}`);
    service.connect({ connection: 500 }).write(request);
    await until(() => service.engine.attachments.length > before);
    const attachment = service.engine.attachments.at(-1);
    expect(attachment?.mtu).toBe(inner);
    // Below 1280 there is no IPv6.
    expect(attachment?.ipv6 === undefined).toBe(inner < 1280);
    await service.service.disconnect({ user: 'alice' }, 'test');
    for (const { session } of service.engine.detached) {
      const counters = { bytesIn: 0, bytesOut: 0, packetsIn: 0, packetsOut: 0 };
      service.service.onEngineEvent({ type: 'ended', session, reason: 'detached', at: 0, counters });
    }
  });
});

describe('slow clients', () => {
  test('one-byte-a-moment is cut off at the header deadline', async () => {
    const relay = new RelayServer(
      (_request, response) => response.end('late'),
      (_request, socket) => socket.destroy(),
      { ...limits, headersMilliseconds: 300, requestMilliseconds: 400, proxyHeaderMilliseconds: 200 },
    );
    const path = `${service.path}-slow`;
    await relay.listen(path);
    const connection = new RelayedConnection(path);
    const began = performance.now();
    const bytes = get('/');
    let sent = 0;
    const timer = setInterval(() => connection.write(bytes[sent++] ?? ''), 50);
    expect(await connection.untilClosed()).toMatch(/^(HTTP\/1\.1 408|$)/);
    clearInterval(timer);
    expect(sent).toBeLessThan(bytes.length);
    expect(performance.now() - began).toBeLessThan(2000);

    // The same before the PROXY header is complete.
    const { connect } = await import('node:net');
    const silent = connect(path);
    await new Promise((resolve) => silent.on('close', resolve));
    await relay.close();
  });
});
