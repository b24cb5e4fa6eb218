import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { ensureOwnCertificate } from '@culvert/certificates/self-signed.ts';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';

/** A certificate for localhost of an authority that nobody knows. */
export interface TestCertificate {
  certificate: string;
  key: string;
  authority: string;
}

export async function testCertificate(name = 'localhost'): Promise<TestCertificate> {
  const directory = mkdtempSync(join(tmpdir(), 'culvert-notifications-'));
  try {
    const files = await ensureOwnCertificate(directory, name, new Date());
    const [certificate, key, authority] = [
      files.certificateFile,
      files.privateKeyFile,
      files.authorityFile,
    ].map((file) => readFileSync(file, 'utf8'));
    return { certificate: certificate ?? '', key: key ?? '', authority: authority ?? '' };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** An HTTPS service that keeps what it gets and answers with `status`. */
export class WebhookReceiver {
  readonly received: { headers: IncomingHttpHeaders; body: string }[] = [];
  status = 204;
  location: string | undefined;
  readonly #server: Server;

  private constructor({ certificate, key }: TestCertificate) {
    this.#server = createServer({ cert: certificate, key }, async (request, response) => {
      this.received.push({ headers: request.headers, body: await text(request) });
      response.writeHead(this.status, this.location === undefined ? {} : { location: this.location }).end();
    });
  }

  static async start(certificate: TestCertificate): Promise<WebhookReceiver> {
    const receiver = new WebhookReceiver(certificate);
    receiver.#server.listen(0, 'localhost');
    await once(receiver.#server, 'listening');
    return receiver;
  }

  get url(): string {
    return `https://localhost:${(this.#server.address() as AddressInfo).port}/hook`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** An SMTP server that keeps the mail that it takes. */
export class MailServer {
  readonly received: { to: string[]; content: string; isSecure: boolean }[] = [];
  readonly port: number;
  readonly #server: SMTPServer;

  private constructor(server: SMTPServer, port: number) {
    this.#server = server;
    this.port = port;
  }

  static async start(
    certificate: TestCertificate,
    options: SMTPServerOptions & { refusedRecipient?: string } = {},
  ): Promise<MailServer> {
    const { refusedRecipient, ...further } = options;
    const { promise, resolve } = Promise.withResolvers<MailServer>();
    const server = new SMTPServer({
      cert: certificate.certificate,
      key: certificate.key,
      authOptional: true,
      logger: false,
      onAuth: ({ username, password }, _session, done) =>
        username === 'culvert' && password === 'correct horse'
          ? done(null, { user: username })
          : done(new Error('Invalid username or password')),
      onRcptTo: ({ address }, _session, done) =>
        address === refusedRecipient
          ? done(Object.assign(new Error('no such mailbox'), { responseCode: 550 }))
          : done(),
      onData: async (stream, session, done) => {
        const content = await text(stream);
        const mail = await promise;
        const to = session.envelope.rcptTo.map(({ address }) => address);
        mail.received.push({ to, content, isSecure: session.secure });
        done();
      },
      ...further,
    });
    // Clients that break off are part of the tests.
    server.on('error', () => {});
    const listening = server.listen(0, 'localhost');
    await once(listening, 'listening');
    const mail = new MailServer(server, (listening.address() as AddressInfo).port);
    resolve(mail);
    return mail;
  }

  async stop(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
