import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { CertificateWorkshop, ecKey } from '../testing/certificates.ts';
import { checkServerCertificate } from './check-server-certificate.ts';
import { readServerCertificate } from './read-server-certificate.ts';
import type { Violation } from './violation.ts';

const workshop = new CertificateWorkshop();
const now = new Date(Date.now() + 60_000);
const day = 86_400_000;
const vpn = ['subjectAltName=DNS:vpn.example.com,IP:192.0.2.1'];
const authorityExtensions = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign'];

interface Question {
  key?: string;
  address?: string;
  at?: Date;
}

async function check(text: string, { key, address = 'vpn.example.com', at = now }: Question = {}) {
  const read = await readServerCertificate(
    Buffer.from(text),
    key === undefined ? {} : { keyText: workshop.read(key) },
  );
  if (!read.ok) throw new Error(read.message);
  return checkServerCertificate({ ...read.value, publicAddress: address, now: at });
}

const brief = (violations: readonly Violation[]) =>
  violations.map(({ rule, severity }) => `${severity} ${rule}`);
const files = (...names: string[]) => names.map((name) => workshop.read(`${name}.crt`)).join('');

beforeAll(() => {
  workshop.authority('root');
  workshop.authority('other');
  workshop.issue('middle', 'root', { extensions: authorityExtensions });
  workshop.issue('site', 'middle', { extensions: vpn });
}, 30_000);

describe('the rules of a server certificate', () => {
  test('a chain with its key breaks none', async () => {
    const { violations, ordered } = await check(files('site', 'middle', 'root'), { key: 'site.key' });
    expect(violations).toEqual([]);
    expect(ordered?.chain.map(({ subject }) => subject)).toEqual(['CN=site', 'CN=middle', 'CN=root']);
  });

  test('without the key the certificate that has issued no other one is that of the server', async () => {
    const { violations, ordered } = await check(files('root', 'middle', 'site'));
    expect(ordered?.chain[0]?.subject).toBe('CN=site');
    expect(brief(violations)).toEqual(['note chain']);
  });

  test('a wrong order alone is put right, and told', async () => {
    const { violations } = await check(files('middle', 'site', 'root'), { key: 'site.key' });
    expect(violations.map(({ text }) => text.en)).toEqual([
      'the certificates of the file are not in order; they are sent in the right one',
    ]);
  });

  test('a chain that is cross-signed is no fault', async () => {
    // The same name and key of the intermediate, signed by two roots, as Let's Encrypt has had it.
    workshop.openssl(
      'x509',
      '-req',
      '-in',
      'middle.csr',
      '-CA',
      'other.crt',
      '-CAkey',
      'other.key',
      '-CAcreateserial',
      '-out',
      'crossed.crt',
      '-days',
      '365',
      '-extfile',
      'middle.ext',
    );
    const { violations, ordered } = await check(files('site', 'crossed', 'middle', 'root'), {
      key: 'site.key',
    });
    expect(violations).toEqual([]);
    expect(ordered?.chain.at(-1)?.subject).toBe('CN=root');
  });

  test.each([
    ['vpn.example.com', []],
    ['192.0.2.1', []],
    ['192.0.2.2', ['error names']],
    ['vpn.example.org', ['error names']],
  ])('the address %s: %j', async (address, expected) => {
    const { violations } = await check(files('site', 'middle', 'root'), { key: 'site.key', address });
    expect(brief(violations)).toEqual(expected);
  });

  test('an IP address that stands as a DNS name is told as that', async () => {
    workshop.issue('address', 'root', { extensions: ['subjectAltName=DNS:192.0.2.9'] });
    const { violations } = await check(files('address', 'root'), { address: '192.0.2.9' });
    expect(violations[0]?.remedy?.en).toContain('as an IP address, not as a DNS name');
  });

  test('a common name does not count', async () => {
    workshop.issue('vpn.example.com', 'root');
    const { violations } = await check(files('vpn.example.com', 'root'));
    expect(violations[0]?.text.en).toContain('subject alternative names are none');
  });

  test.each([
    ['*.example.com', []],
    ['vp*.example.com', ['warning wildcard', 'error names']],
    ['vpn.*.com', ['warning wildcard', 'error names']],
  ])('the wildcard %s: %j', async (name, expected) => {
    workshop.issue('wild', 'root', { extensions: [`subjectAltName=DNS:${name}`] });
    expect(brief((await check(files('wild', 'root'))).violations)).toEqual(expected);
  });

  test('more than two years is refused', async () => {
    workshop.issue('long', 'root', { days: 731, extensions: vpn });
    const { violations } = await check(files('long', 'root'));
    expect(brief(violations)).toEqual(['error validity']);
    expect(violations[0]?.text.en).toContain('at most 730 from a private authority');
  });

  test.each([
    [-day, ['error dates', 'error dates']],
    [366 * day, ['error dates', 'error dates']],
    [340 * day, ['warning dates', 'warning dates']],
  ])('%d milliseconds from now: %j', async (offset, expected) => {
    const at = new Date(now.getTime() + offset);
    const dates = (await check(files('site', 'middle'), { at })).violations.filter(
      ({ rule }) => rule === 'dates',
    );
    expect(brief(dates)).toEqual(expected);
  });

  test('a key of another certificate is told with what the file holds', async () => {
    const { violations, ordered } = await check(files('site', 'middle'), { key: 'other.key' });
    expect(ordered).toBeUndefined();
    expect(violations[0]?.text.en).toBe(
      'no certificate belongs to the private key; the file holds CN=site; CN=middle',
    );
  });

  test.each([
    ['RSA 1024', ['-newkey', 'rsa:1024']],
    ['P-224', ecKey('secp224r1')],
    ['Ed25519', ['-newkey', 'ed25519']],
  ])('a key of %s is too weak or unknown', async (_name, key) => {
    workshop.issue('weak', 'root', { key, extensions: vpn });
    expect(brief((await check(files('weak', 'root'), { key: 'weak.key' })).violations)).toEqual([
      'error key-strength',
    ]);
  });

  test('a signature with SHA-1 is refused', async () => {
    workshop.openssl(
      'x509',
      '-req',
      '-sha1',
      '-in',
      'site.csr',
      '-CA',
      'middle.crt',
      '-CAkey',
      'middle.key',
      '-CAcreateserial',
      '-out',
      'old.crt',
      '-days',
      '365',
      '-extfile',
      'site.ext',
    );
    expect(brief((await check(files('old', 'middle', 'root'))).violations)).toEqual(['error signature']);
  });

  test('a certificate for clients only is refused', async () => {
    workshop.issue('client', 'root', { extensions: [...vpn, 'extendedKeyUsage=clientAuth'] });
    expect(brief((await check(files('client', 'root'))).violations)).toEqual(['error purpose']);
  });

  test('a missing issuer and a certificate that does not belong there are told', async () => {
    const { violations } = await check(files('site', 'other'), { key: 'site.key' });
    expect(violations.map(({ text }) => text.en)).toEqual([
      'the chain is not complete: the certificate of CN=middle is missing',
      'CN=other does not belong to the chain and is not sent',
    ]);
  });
});

describe('the file of a certificate', () => {
  const pack = (file: string, ...options: string[]) => {
    const parts = ['-inkey', 'site.key', '-in', 'site.crt', '-certfile', 'middle.crt', '-out', file];
    workshop.openssl('pkcs12', '-export', ...parts, '-passout', 'pass:secret', ...options);
    return readFileSync(workshop.path(file));
  };

  test('is PFX, and says whether it uses the old encryption', async () => {
    const modern = await readServerCertificate(pack('new.pfx'), { password: 'secret' });
    const old = await readServerCertificate(pack('old.pfx', '-legacy'), { password: 'secret' });
    expect([modern.ok && modern.value.isOldPfx, old.ok && old.value.isOldPfx]).toEqual([undefined, true]);
    expect(modern.ok && modern.value.certificates).toHaveLength(2);
  });

  test('may hold certificate and key together', async () => {
    const read = await readServerCertificate(Buffer.from(files('site') + workshop.read('site.key')));
    expect(read.ok && read.value.privateKey?.asymmetricKeyType).toBe('rsa');
  });

  test('in another form is refused with the command that turns it into a good one', async () => {
    workshop.openssl('x509', '-in', 'site.crt', '-outform', 'der', '-out', 'site.der');
    expect(await readServerCertificate(readFileSync(workshop.path('site.der')))).toMatchObject({
      ok: false,
      message: expect.stringContaining('openssl x509 -inform der'),
    });
    workshop.openssl('pkey', '-in', 'site.key', '-aes256', '-passout', 'pass:x', '-out', 'locked.key');
    const locked = { keyText: workshop.read('locked.key') };
    expect(await readServerCertificate(Buffer.from(files('site')), locked)).toMatchObject({
      ok: false,
      message: expect.stringContaining('is encrypted'),
    });
  });

  test('of any bytes is read or refused with a sentence in both languages', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.uint8Array({ maxLength: 200 }),
          fc.string().map((text) => Buffer.from(`-----BEGIN ${text}`)),
        ),
        async (bytes) => {
          const read = await readServerCertificate(Buffer.from(bytes));
          expect(!read.ok && read.message !== '' && /[ぁ-ん]/.test(read.messageInJapanese)).toBe(true);
        },
      ),
      { numRuns: 30 },
    );
  });
});
