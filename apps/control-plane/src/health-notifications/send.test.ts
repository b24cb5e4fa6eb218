import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { MailTarget, WebhookTarget } from './channel.ts';
import type { Message } from './message.ts';
import { MailServer, type TestCertificate, testCertificate, WebhookReceiver } from './receivers-testing.ts';
import { send } from './send.ts';
import { sendMail } from './send-mail.ts';

const now = new Date('2026-11-24T09:00:00.000Z');
const key = Buffer.alloc(32, 7);
const message: Message = {
  changes: [
    {
      serverId: 's1',
      serverName: 'gateway-1',
      siteId: 't1',
      siteName: 'Tokyo\r\nBcc: x@example.com',
      from: 'healthy',
      to: 'unhealthy',
      causes: [{ metric: 'diskFree', value: 1.25 }],
      at: now.toISOString(),
    },
  ],
};

let certificate: TestCertificate;
beforeAll(async () => {
  certificate = await testCertificate();
});
const sendTo = (target: MailTarget | WebhookTarget, language: 'en' | 'ja' = 'en') =>
  send({ id: 'c', displayName: 'Channel', language, statuses: [], target }, 'delivery', message, now);

/** A header whose encoded words (RFC 2047) are written out. */
function decoded(head: string): string {
  const unfolded = head.replace(/\?=\r\n\s+=\?UTF-8\?Q\?/g, '');
  return unfolded.replace(/=\?UTF-8\?Q\?(.*?)\?=/g, (_, text: string) => octets(text.replaceAll('_', ' ')));
}

/** Quoted-printable octets of UTF-8 (RFC 2045 §6.7) as text. */
function octets(text: string): string {
  return decodeURIComponent(text.replaceAll('%', '%25').replace(/=([0-9A-F]{2})/g, '%$1'));
}

/** A port at which nobody listens. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, 'localhost');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe('a webhook', () => {
  let receiver: WebhookReceiver;
  beforeAll(async () => {
    receiver = await WebhookReceiver.start(certificate);
  });
  afterAll(() => receiver.stop());
  const target = (changes: Partial<WebhookTarget> = {}): WebhookTarget => ({
    kind: 'webhook',
    url: receiver.url,
    secret: `whsec_${key.toString('base64')}`,
    authority: certificate.authority,
    ...changes,
  });

  test('arrives signed, with what has changed for programs and for people', async () => {
    await sendTo(target());
    const got = receiver.received.at(-1);
    const {
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': signature,
    } = got?.headers ?? {};
    const expected = createHmac('sha256', key).update(`${id}.${timestamp}.${got?.body}`).digest('base64');
    expect([id, timestamp, signature]).toEqual([
      'msg_delivery',
      String(now.getTime() / 1000),
      `v1,${expected}`,
    ]);
    expect(got?.headers['content-type']).toContain('application/json');
    const body = JSON.parse(got?.body ?? '');
    expect(body).toMatchObject({
      type: 'server.health.changed',
      text: expect.stringContaining('gateway-1'),
      data: {
        servers: [
          { id: 's1', status: 'unhealthy', previousStatus: 'healthy', reason: 'Free disk space: 1.3 GB' },
        ],
      },
    });
  });

  test.each([
    [301, /points to https:\/\/elsewhere.*enter the address/],
    [401, /refuses the message \(401\)/],
    [404, /nothing at this address \(404\)/],
    [429, /no more messages now/],
    [503, /fault of its own \(503\)/],
  ])('that is answered with %d has not arrived, and it is said why', async (status, reason) => {
    receiver.status = status;
    receiver.location = status === 301 ? 'https://elsewhere.example/' : undefined;
    await expect(sendTo(target())).rejects.toThrow(reason);
    receiver.status = 204;
    receiver.location = undefined;
  });

  test('is sent to nobody whose certificate is not trusted', async () => {
    const before = receiver.received.length;
    await expect(sendTo(target({ authority: undefined }))).rejects.toThrow(/not known here.*"authority"/);
    const other = await testCertificate('elsewhere.example.com');
    const impostor = await WebhookReceiver.start(other);
    await expect(sendTo(target({ url: impostor.url, authority: other.authority }))).rejects.toThrow(
      /another name/,
    );
    await impostor.stop();
    expect([receiver.received.length, impostor.received]).toEqual([before, []]);
  });

  test('to nowhere says so', async () => {
    const port = await closedPort();
    await expect(sendTo(target({ url: `https://localhost:${port}/` }))).rejects.toThrow(
      /refuses connections/,
    );
    await expect(sendTo(target({ url: 'https://nowhere.invalid/' }))).rejects.toThrow(
      /name of nowhere.invalid/,
    );
    const plain = createServer((socket) => socket.resume().end('HTTP/1.1 400 Bad Request\r\n\r\n')).listen(
      0,
      'localhost',
    );
    await once(plain, 'listening');
    const { port: plainPort } = plain.address() as AddressInfo;
    await expect(sendTo(target({ url: `https://localhost:${plainPort}/` }))).rejects.toThrow(
      /does not begin with TLS/,
    );
    await new Promise((resolve) => plain.close(resolve));
  });
});

describe('mail', () => {
  const target = (port: number, changes: Partial<MailTarget> = {}): MailTarget => ({
    kind: 'mail',
    host: 'localhost',
    port,
    security: 'startTls',
    credentials: undefined,
    from: 'culvert@example.com',
    to: ['operations@example.com', 'night@example.com'],
    authority: certificate.authority,
    ...changes,
  });
  const withServer = async (
    options: Parameters<typeof MailServer.start>[1],
    work: (server: MailServer) => Promise<void>,
  ) => {
    const server = await MailServer.start(certificate, options);
    try {
      await work(server);
    } finally {
      await server.stop();
    }
  };
  const credentials = { user: 'culvert', password: 'correct horse' };

  test('arrives over STARTTLS with a password, as plain text to every recipient', async () => {
    await withServer({ authOptional: false }, async (server) => {
      await sendTo(target(server.port, { credentials }));
      const [mail] = server.received;
      expect([mail?.to, mail?.isSecure]).toEqual([['operations@example.com', 'night@example.com'], true]);
      expect(mail?.content).toContain('Subject: Culvert: gateway-1 unhealthy');
      expect(mail?.content).toContain('Content-Type: text/plain');
      expect(mail?.content).toContain('Auto-Submitted: auto-generated');
      expect(mail?.content).toContain('Free disk space: 1.3 GB');
      expect(mail?.content).not.toMatch(/^Bcc:/m);
    });
  });

  test('arrives over TLS from the first byte, and without any where that is wanted', async () => {
    await withServer({ secure: true }, async (server) => {
      await sendTo(target(server.port, { security: 'tls' }));
      expect(server.received[0]?.isSecure).toBe(true);
    });
    await withServer({}, async (server) => {
      await sendTo(target(server.port, { security: 'none' }));
      expect(server.received[0]?.isSecure).toBe(false);
    });
  });

  test('in Japanese can be read', async () => {
    await withServer({}, async (server) => {
      await sendTo(target(server.port), 'ja');
      const content = server.received[0]?.content ?? '';
      const [head = '', body = ''] = content.split('\r\n\r\n');
      expect(decoded(head)).toContain('Subject: Culvert: gateway-1 異常');
      expect(octets(body.replaceAll('=\r\n', ''))).toContain('ディスクの空き容量: 1.3 GB');
    });
  });

  test('is refused with the words of the mail server', async () => {
    await withServer({ authOptional: false }, async (server) => {
      const wrong = { user: 'culvert', password: 'wrong' };
      await expect(sendTo(target(server.port, { credentials: wrong }))).rejects.toThrow(
        /refuses user and password.*535/,
      );
    });
    await withServer({ refusedRecipient: 'night@example.com' }, async (server) => {
      await expect(sendTo(target(server.port))).rejects.toThrow(/night@example.com.*"to"/);
      await expect(sendTo(target(server.port, { to: ['night@example.com'] }))).rejects.toThrow(
        /refuses the sender or every recipient.*no such mailbox/,
      );
    });
  });

  test('is not waited for without end when its server never comes to the point', async () => {
    const slow = createServer((socket) => {
      socket.on('error', () => {});
      // A greeting that goes on and on keeps every limit on silence from counting.
      const timer = setInterval(() => socket.write('220-please wait\r\n'), 20);
      socket.on('close', () => clearInterval(timer));
    }).listen(0, 'localhost');
    await once(slow, 'listening');
    const { port } = slow.address() as AddressInfo;
    const mail = { id: '1', subject: 'subject', body: 'body' };
    const trying = sendMail(target(port, { security: 'none' }), mail, new Date(), { seconds: 0.5 });
    await expect(trying).rejects.toThrow(`localhost:${port} did not take the message within 0.5 seconds`);
    const stop = AbortSignal.abort();
    await expect(
      sendMail(target(port, { security: 'none' }), mail, new Date(), { signal: stop }),
    ).rejects.toThrow();
    await new Promise((resolve) => slow.close(resolve));
  });

  test('is given to no server that is not who it says, or does not encrypt', async () => {
    await withServer({}, async (server) => {
      await expect(sendTo(target(server.port, { authority: undefined }))).rejects.toThrow(/not known here/);
      await expect(sendTo(target(server.port, { security: 'tls' }))).rejects.toThrow(
        /does not begin with TLS/,
      );
      expect(server.received).toEqual([]);
    });
    await withServer({ disabledCommands: ['STARTTLS'] }, async (server) => {
      await expect(sendTo(target(server.port))).rejects.toThrow(/does not offer STARTTLS/);
      expect(server.received).toEqual([]);
    });
  });

  test('to nowhere says so', async () => {
    await expect(sendTo(target(await closedPort()))).rejects.toThrow(/refuses connections/);
    await expect(sendTo(target(25, { host: 'nowhere.invalid' }))).rejects.toThrow(
      /name of nowhere.invalid:25/,
    );
  });
});
