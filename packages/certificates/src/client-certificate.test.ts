import { X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { type ClientCertificateRule, examineClientCertificate } from './client-certificate.ts';
import type { IdentityRule } from './identity.ts';
import { CertificateWorkshop, ecKey } from './testing/certificates.ts';

const workshop = new CertificateWorkshop();
// openssl stamps certificates with the moment of their making.
const now = new Date(Date.now() + 60_000);
const der = (name: string) => new X509Certificate(workshop.read(`${name}.crt`)).raw;

function examine(
  chain: string[],
  options: { proved?: boolean; identity?: IdentityRule; at?: Date; trust?: string } = {},
) {
  const { proved = true, identity = 'commonName', at = now, trust = 'root' } = options;
  const authorities = [new X509Certificate(workshop.read(`${trust}.crt`))];
  return examineClientCertificate(chain.map(der), proved, { authorities, identity }, at);
}

beforeAll(() => {
  workshop.authority('root');
  workshop.authority('other');
  workshop.issue('middle', 'root', {
    extensions: ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign'],
  });
  workshop.issue('alice', 'root', { extensions: ['extendedKeyUsage=clientAuth'] });
}, 30_000);

describe('a client certificate', () => {
  test('of a configured authority signs in with its common name', () => {
    expect(examine(['alice'])).toEqual({ kind: 'accepted', account: 'alice' });
  });

  test('is accepted through an intermediate that the device sent, and refused without it', () => {
    workshop.issue('bob', 'middle');
    expect(examine(['bob', 'middle'])).toEqual({ kind: 'accepted', account: 'bob' });
    expect(examine(['bob'])).toMatchObject({ kind: 'refused', reason: 'unknownIssuer' });
  });

  test('with an RSA key of 1024 bits is refused by name', () => {
    workshop.issue('weak', 'root', { key: ['-newkey', 'rsa:1024'] });
    expect(examine(['weak'])).toEqual({
      kind: 'refused',
      reason: 'weakKey',
      detail: 'RSA key of 1024 bits; at least 2048 are needed',
    });
  });

  test('on P-256 is accepted and on P-224 refused', () => {
    workshop.issue('p256', 'root', { key: ecKey('prime256v1') });
    workshop.issue('p224', 'root', { key: ecKey('secp224r1') });
    expect(examine(['p256']).kind).toBe('accepted');
    expect(examine(['p224'])).toMatchObject({ reason: 'weakKey' });
  });

  test('whose key was not proved is refused', () => {
    expect(examine(['alice'], { proved: false })).toMatchObject({ reason: 'unproved' });
  });

  test('outside of its dates is refused', () => {
    expect(examine(['alice'], { at: new Date(now.getTime() + 366 * 86_400_000) })).toMatchObject({
      reason: 'expired',
    });
    expect(examine(['alice'], { at: new Date(now.getTime() - 2 * 86_400_000) })).toMatchObject({
      reason: 'notYetValid',
    });
  });

  test('of another authority with the same name is refused', () => {
    const impostor = new CertificateWorkshop();
    impostor.authority('root');
    impostor.issue('alice', 'root');
    const chain = [
      new X509Certificate(impostor.read('alice.crt')).raw,
      new X509Certificate(impostor.read('root.crt')).raw,
    ];
    const rule: ClientCertificateRule = {
      authorities: [new X509Certificate(workshop.read('root.crt'))],
      identity: 'commonName',
    };
    expect(examineClientCertificate(chain, true, rule, now)).toMatchObject({ reason: 'unknownIssuer' });
  });

  test('issued by a certificate that is no authority is refused', () => {
    workshop.issue('mallory', 'alice');
    expect(examine(['mallory', 'alice'])).toMatchObject({ reason: 'unknownIssuer' });
  });

  test('for servers only is refused', () => {
    workshop.issue('server', 'root', { extensions: ['extendedKeyUsage=serverAuth'] });
    expect(examine(['server'])).toMatchObject({ reason: 'notForClients' });
  });

  test('with a critical extension that is not understood is refused', () => {
    workshop.issue('odd', 'root', { extensions: ['1.2.3.4=critical,DER:0500'] });
    expect(examine(['odd'])).toMatchObject({
      reason: 'unknownIssuer',
      detail: expect.stringContaining('1.2.3.4'),
    });
  });

  test.each<[IdentityRule, string]>([
    ['subjectAlternativeEmail', 'carol@corp.test'],
    ['userPrincipalName', 'carol@ad.corp.test'],
  ])('gives its %s as the account when the rule says so', (identity, account) => {
    workshop.issue('carol', 'root', {
      extensions: [
        'subjectAltName=email:carol@corp.test,otherName:1.3.6.1.4.1.311.20.2.3;UTF8:carol@ad.corp.test',
      ],
    });
    expect(examine(['carol'], { identity })).toEqual({ kind: 'accepted', account });
    expect(examine(['alice'], { identity })).toMatchObject({ reason: 'noIdentity' });
  });

  test('with two common names is refused, because nobody may choose', () => {
    workshop.issue('two', 'root', { subject: '/CN=alice/CN=admin' });
    expect(examine(['two'])).toMatchObject({ reason: 'noIdentity' });
  });

  test('that is no certificate at all is refused', () => {
    const rule: ClientCertificateRule = { authorities: [], identity: 'commonName' };
    expect(examineClientCertificate([Buffer.from('junk')], true, rule, now)).toMatchObject({
      reason: 'unreadable',
    });
    expect(examineClientCertificate([], true, rule, now)).toMatchObject({ reason: 'unreadable' });
  });
});
