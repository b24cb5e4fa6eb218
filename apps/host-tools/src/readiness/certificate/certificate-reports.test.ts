import { readFileSync } from 'node:fs';
import { CertificateWorkshop } from '@culvert/certificates/testing/certificates.ts';
import { RevocationAuthority } from '@culvert/certificates/testing/revocation-authority.ts';
import { beforeAll, describe, expect, test } from 'vitest';
import { certificateReports } from './certificate-reports.ts';

const workshop = new CertificateWorkshop();
const now = new Date(Date.now() + 60_000);

async function results(
  name: string,
  options: { keyText?: string; address?: string; password?: string } = {},
) {
  const bytes = readFileSync(workshop.path(name));
  const reports = await certificateReports({ file: name, bytes, now, ...options });
  return Object.fromEntries(reports.map(({ id, result }) => [id, result]));
}

beforeAll(() => {
  workshop.authority('root');
  workshop.issue('site', 'root', { extensions: ['subjectAltName=DNS:vpn.example.com'] });
  workshop.openssl('crl2pkcs7', '-nocrl', '-certfile', 'site.crt', '-out', 'site.p7b');
}, 30_000);

describe('the checks of a certificate', () => {
  test('tell every rule that was looked at', async () => {
    const keyText = workshop.read('site.key');
    expect(await results('site.crt', { keyText, address: 'vpn.example.com' })).toEqual({
      'certificate.file': 'ok',
      'certificate.key-match': 'ok',
      'certificate.names': 'ok',
      'certificate.wildcard': 'ok',
      'certificate.dates': 'ok',
      'certificate.validity': 'ok',
      'certificate.key-strength': 'ok',
      'certificate.signature': 'ok',
      'certificate.purpose': 'ok',
      'certificate.chain': 'warning',
      'certificate.revocation': 'ok',
    });
  });

  test('leave out what was not asked: no key, no address', async () => {
    const found = Object.keys(await results('site.crt'));
    expect(found).not.toContain('certificate.key-match');
    expect(found).not.toContain('certificate.names');
  });

  test('with the key of another one tell only that', async () => {
    expect(await results('site.crt', { keyText: workshop.read('root.key') })).toEqual({
      'certificate.file': 'ok',
      'certificate.key-match': 'failed',
    });
  });

  test('of a file that is none say what it is not', async () => {
    expect(await results('site.p7b')).toEqual({ 'certificate.file': 'failed' });
  });

  test('of an old PFX say how to convert it', async () => {
    const parts = [
      '-inkey',
      'site.key',
      '-in',
      'site.crt',
      '-out',
      'old.pfx',
      '-passout',
      'pass:x',
      '-legacy',
    ];
    workshop.openssl('pkcs12', '-export', ...parts);
    const found = await results('old.pfx', { password: 'x' });
    expect([found['certificate.file'], found['certificate.key-match']]).toEqual(['warning', 'ok']);
    expect(await results('old.pfx', { password: 'wrong' })).toEqual({ 'certificate.file': 'failed' });
  });

  test('ask the authority whether it was revoked', async () => {
    const authority = await RevocationAuthority.start();
    authority.workshop.issue('site', 'ca', { extensions: authority.extensions('ocsp') });
    const bytes = Buffer.from(authority.workshop.read('site.crt') + authority.workshop.read('ca.crt'));
    const revocation = async () =>
      (await certificateReports({ file: 'site.crt', bytes, now })).find(
        ({ id }) => id === 'certificate.revocation',
      );
    authority.state({ site: 'valid' });
    expect((await revocation())?.result).toBe('ok');
    authority.state({ site: { revokedFor: 'keyCompromise' } });
    expect(await revocation()).toMatchObject({
      result: 'failed',
      found: { en: expect.stringContaining('was revoked by') },
    });
    await authority.stop();
    expect((await revocation())?.result).toBe('warning');
  });
});
