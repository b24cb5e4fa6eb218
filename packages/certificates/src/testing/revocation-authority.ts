import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CertificateWorkshop } from './certificates.ts';

/** What `openssl` is to say of a certificate; one without an entry is unknown to it. */
export type Entry = 'valid' | { revokedFor: string };

/** Turns an answer of the authority into another one, such as a broken one; undefined never answers. */
export type Distort = (answer: Buffer) => Buffer | undefined;

/**
 * An authority named `ca` that answers over HTTP on loopback as real ones do: `/ocsp` with what `openssl ocsp` makes of its
 * index, `/ca.crl` with what `openssl ca -gencrl` makes of it.
 */
export class RevocationAuthority {
  readonly workshop = new CertificateWorkshop();
  /** Paths that were asked for. */
  readonly asked: string[] = [];
  /** Who signs OCSP answers: `ca` or a certificate of the workshop. */
  responder = 'ca';
  /** Parameters for `openssl ocsp`. */
  ocspParameters = ['-ndays', '1'];
  readonly distortions = new Map<string, Distort>();
  readonly #server: Server;
  #requests = 0;

  private constructor() {
    this.#server = createServer(async (request, response) => {
      // `openssl` runs synchronously, so a connection that is kept may be closed without the client having noticed.
      response.shouldKeepAlive = false;
      const path = request.url ?? '';
      this.asked.push(path);
      const body = Buffer.concat(await request.toArray());
      const answer = await this.#answer(path, body);
      if (answer === undefined) response.writeHead(404).end();
      else {
        const distorted = (this.distortions.get(path) ?? ((same) => same))(answer);
        if (distorted !== undefined) response.writeHead(200).end(distorted);
      }
    });
  }

  static async start(): Promise<RevocationAuthority> {
    const authority = new RevocationAuthority();
    authority.workshop.authority('ca');
    authority.write('index.txt', '');
    authority.write('index.txt.attr', 'unique_subject = no\n');
    authority.write(
      'ca.cnf',
      '[ca]\ndefault_ca=a\n[a]\ndatabase=index.txt\ncertificate=ca.crt\nprivate_key=ca.key\ndefault_md=sha256\n',
    );
    authority.#server.listen(0, '127.0.0.1');
    await once(authority.#server, 'listening');
    return authority;
  }

  /** Lines for the extensions of a certificate that name this authority. */
  extensions(...kinds: ('ocsp' | 'crl')[]): string[] {
    const lines = {
      ocsp: `authorityInfoAccess=OCSP;URI:${this.url('/ocsp')}`,
      crl: `crlDistributionPoints=URI:${this.url('/ca.crl')}`,
    };
    return kinds.map((kind) => lines[kind]);
  }

  url(path: string): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${path}`;
  }

  certificate(name: string): X509Certificate {
    return new X509Certificate(this.workshop.read(`${name}.crt`));
  }

  /** Writes the index of the authority, and its list as of now. */
  state(entries: Record<string, Entry>, listParameters = ['-crldays', '1']): void {
    const lines = Object.entries(entries).map(([name, entry]) => {
      const { serialNumber } = this.certificate(name);
      const revoked = entry === 'valid' ? '' : `250102030405Z,${entry.revokedFor}`;
      const letter = entry === 'valid' ? 'V' : 'R';
      return `${[letter, '490101000000Z', revoked, serialNumber, 'unknown', `/CN=${name}`].join('\t')}\n`;
    });
    this.write('index.txt', lines.join(''));
    this.workshop.openssl('ca', '-gencrl', '-config', 'ca.cnf', '-out', 'list.pem', ...listParameters);
    this.workshop.openssl('crl', '-in', 'list.pem', '-outform', 'DER', '-out', 'ca.crl');
    this.asked.length = 0;
  }

  write(name: string, content: string | Buffer): void {
    writeFileSync(this.workshop.path(name), content);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #answer(path: string, body: Buffer): Promise<Buffer | undefined> {
    if (path === '/ca.crl') return readFile(this.workshop.path('ca.crl'));
    if (path !== '/ocsp') return undefined;
    this.#requests += 1;
    const [request, response] = [`${this.#requests}.req`, `${this.#requests}.resp`];
    this.write(request, body);
    this.workshop.openssl(
      ...['ocsp', '-index', 'index.txt', '-CA', 'ca.crt'],
      ...['-rsigner', `${this.responder}.crt`, '-rkey', `${this.responder}.key`],
      ...['-reqin', request, '-respout', response, ...this.ocspParameters],
    );
    return readFile(this.workshop.path(response));
  }
}
