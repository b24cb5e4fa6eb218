import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { readCertificates, readPrivateKey } from './bundle.ts';
import { readPfx } from './pfx.ts';
import { longestPrivateValidityDays } from './rules/dates.ts';
import { ensureOwnCertificate } from './self-signed.ts';
import { assessSiteCertificate } from './site-certificate.ts';
import { CertificateWorkshop, ecKey } from './testing/certificates.ts';

const workshop = new CertificateWorkshop();
// openssl stamps certificates with the moment of their making.
const now = new Date(Date.now() + 60_000);
const vpn = ['subjectAltName=DNS:vpn.example.com,IP:192.0.2.1'];

function assess(certificateText: string, keyText: string, address = 'vpn.example.com', at = now) {
  const certificates = readCertificates(certificateText);
  const key = readPrivateKey(keyText);
  if (!certificates.ok || !key.ok) throw new Error('unreadable');
  return assessSiteCertificate({ certificates: certificates.value, privateKey: key.value }, address, at);
}

beforeAll(() => {
  workshop.authority('root');
  workshop.issue('middle', 'root', {
    extensions: ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign'],
  });
  workshop.issue('site', 'middle', { extensions: vpn });
}, 30_000);

describe('a site certificate', () => {
  test('is put in order, leaf first, whatever the order of the file', () => {
    const text = ['root.crt', 'site.crt', 'middle.crt', 'site.crt']
      .map((name) => workshop.read(name))
      .join('');
    const result = assess(text, workshop.read('site.key'));
    expect(result).toMatchObject({
      problems: [],
      warnings: [],
      summary: { chainLength: 3, subject: 'CN=site' },
    });
    expect(result.certificate?.certificates).toHaveLength(3);
  });

  test('covers a public address that is an IP address', () => {
    expect(assess(workshop.read('site.crt'), workshop.read('site.key'), '192.0.2.1').problems).toEqual([]);
    expect(assess(workshop.read('site.crt'), workshop.read('site.key'), '192.0.2.2').problems[0]).toContain(
      'does not cover the public address 192.0.2.2',
    );
  });

  test('without its issuers is used with a warning', () => {
    const { problems, warnings } = assess(workshop.read('site.crt'), workshop.read('site.key'));
    expect(problems).toEqual([]);
    expect(warnings).toEqual([expect.stringContaining('CN=middle is missing')]);
  });

  test('that belongs to another key is refused', () => {
    expect(assess(workshop.read('site.crt'), workshop.read('root.key')).problems[0]).toContain(
      'no certificate belongs to the private key',
    );
  });

  test.each([
    ['an RSA key of 1024 bits', ['-newkey', 'rsa:1024'], 'RSA key of 1024 bits; at least 2048 are needed'],
    ['an EC key on a curve below P-256', ecKey('secp224r1'), 'EC key on secp224r1'],
    ['an Ed25519 key, which clients do not know', ['-newkey', 'ed25519'], 'key of kind ed25519'],
  ])('with %s is refused', (_name, key, message) => {
    workshop.issue('weak', 'root', { key, extensions: vpn });
    expect(assess(workshop.read('weak.crt'), workshop.read('weak.key')).problems.join()).toContain(message);
  });

  test('that has expired, or is not valid yet, is refused', () => {
    const [text, key] = [workshop.read('site.crt'), workshop.read('site.key')];
    expect(
      assess(text, key, 'vpn.example.com', new Date(now.getTime() + 366 * 86_400_000)).problems[0],
    ).toContain('expired on');
    expect(assess(text, key, 'vpn.example.com', new Date(now.getTime() - 86_400_000)).problems[0]).toContain(
      'is not valid before',
    );
    expect(
      assess(text, key, 'vpn.example.com', new Date(now.getTime() + 350 * 86_400_000)).warnings.join(),
    ).toContain('expires in 14 days');
  });

  test('that is valid for more than two years is used with a warning', () => {
    workshop.issue('long', 'root', { days: 800, extensions: vpn });
    const { warnings } = assess(
      workshop.read('long.crt') + workshop.read('root.crt'),
      workshop.read('long.key'),
    );
    expect(warnings).toEqual([
      `valid for 800 days; iOS accepts at most ${longestPrivateValidityDays} from a private authority; get one that is valid for ${longestPrivateValidityDays} days at most`,
    ]);
  });

  test.each([
    ['*.example.com', true],
    ['vp*.example.com', false],
  ])('with the wildcard %s covers vpn.example.com: %s', (name, covers) => {
    workshop.issue('wild', 'root', { extensions: [`subjectAltName=DNS:${name}`] });
    const { problems } = assess(workshop.read('wild.crt'), workshop.read('wild.key'));
    expect(problems.length === 0).toBe(covers);
  });

  test('whose extended key usage is for clients only is refused', () => {
    workshop.issue('client-only', 'root', { extensions: [...vpn, 'extendedKeyUsage=clientAuth'] });
    expect(assess(workshop.read('client-only.crt'), workshop.read('client-only.key')).problems[0]).toContain(
      'serverAuth',
    );
  });
});

describe('a private key', () => {
  test('is read as PKCS#1, SEC1 and PKCS#8', () => {
    workshop.openssl('rsa', '-in', 'site.key', '-traditional', '-out', 'pkcs1.key');
    workshop.openssl('ecparam', '-name', 'prime256v1', '-genkey', '-out', 'sec1.key');
    expect(workshop.read('pkcs1.key')).toContain('BEGIN RSA PRIVATE KEY');
    expect(workshop.read('sec1.key')).toContain('BEGIN EC PRIVATE KEY');
    for (const name of ['pkcs1.key', 'sec1.key', 'site.key'])
      expect(readPrivateKey(workshop.read(name)).ok).toBe(true);
  });

  test('that is encrypted, old or new style, is refused with the remedy', () => {
    workshop.openssl('pkey', '-in', 'site.key', '-aes256', '-passout', 'pass:x', '-out', 'new.key');
    workshop.openssl(
      'rsa',
      '-in',
      'site.key',
      '-traditional',
      '-aes256',
      '-passout',
      'pass:x',
      '-out',
      'old.key',
    );
    for (const name of ['new.key', 'old.key']) {
      expect(readPrivateKey(workshop.read(name))).toMatchObject({
        ok: false,
        message: expect.stringContaining('is encrypted'),
      });
    }
  });
});

describe('a PFX file', () => {
  const pack = (file: string, ...options: string[]) => {
    const names = ['-inkey', 'site.key', '-in', 'site.crt', '-certfile', 'middle.crt', '-out', file];
    workshop.openssl('pkcs12', '-export', ...names, ...options);
    return readFileSync(workshop.path(file));
  };

  test.each([
    ['modern (AES-256)', []],
    ['legacy (RC2 and 3DES)', ['-legacy']],
    ['with 3DES for everything', ['-legacy', '-certpbe', 'PBE-SHA1-3DES']],
  ])('that is %s gives key and chain', async (_name, options) => {
    const result = await readPfx(pack('site.pfx', '-passout', 'pass:päss word', ...options), 'päss word');
    if (!result.ok) throw new Error(result.message);
    expect(result.value.certificates).toHaveLength(2);
    const assessed = assessSiteCertificate(result.value, 'vpn.example.com', now);
    expect(assessed.problems).toEqual([]);
  });

  test.each([[[]], [['-legacy']]])('with another password is refused (%s)', async (options) => {
    const der = pack('wrong.pfx', '-passout', 'pass:right', ...options);
    expect(await readPfx(der, 'wrong')).toEqual({
      ok: false,
      message: 'the password of the PFX file is wrong',
      messageInJapanese: 'PFX ファイルのパスワードが正しくありません',
    });
  });

  test('that is empty, text or damaged is refused', async () => {
    const der = pack('damaged.pfx', '-passout', 'pass:x');
    for (const bytes of [Buffer.alloc(0), Buffer.from('hello'), der.subarray(0, der.length / 2)]) {
      expect((await readPfx(bytes, 'x')).ok).toBe(false);
    }
  });
});

test('the gateway makes a certificate of its own and uses it again', async () => {
  const directory = workshop.path('own');
  const first = await ensureOwnCertificate(directory, 'vpn.example.com', now);
  const text = readFileSync(first.certificateFile, 'utf8');
  expect(await ensureOwnCertificate(directory, 'vpn.example.com', now)).toEqual(first);
  expect(readFileSync(first.certificateFile, 'utf8')).toBe(text);
  expect(assess(text, readFileSync(first.privateKeyFile, 'utf8'))).toMatchObject({
    problems: [],
    warnings: [],
  });
  workshop.openssl(
    'verify',
    '-x509_strict',
    '-CAfile',
    first.authorityFile,
    '-purpose',
    'sslserver',
    '-verify_hostname',
    'vpn.example.com',
    first.certificateFile,
  );

  const later = await ensureOwnCertificate(
    directory,
    'vpn.example.com',
    new Date(now.getTime() + 380 * 86_400_000),
  );
  expect(later.authorityFingerprint).toBe(first.authorityFingerprint);
  expect(readFileSync(first.certificateFile, 'utf8')).not.toBe(text);
});
