import { X509Certificate } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { CertificateWorkshop } from '../testing/certificates.ts';
import { revocationAddresses } from './addresses.ts';
import { judgeCrl } from './crl.ts';
import { judgeOcspResponse } from './ocsp-response.ts';
import type { Pair } from './verdict.ts';
import { askAgainAt } from './watch.ts';

const now = new Date('2026-01-01T00:00:00Z');
let pair: Pair;

beforeAll(() => {
  const workshop = new CertificateWorkshop();
  workshop.authority('ca');
  workshop.issue('site', 'ca', {
    extensions: [
      'authorityInfoAccess=OCSP;URI:http://a.example/,OCSP;URI:ldap://b.example/,caIssuers;URI:http://c.example/',
      'crlDistributionPoints=URI:https://d.example/list,URI:http://e.example/list',
    ],
  });
  const read = (name: string) => new X509Certificate(workshop.read(`${name}.crt`));
  pair = { certificate: read('site'), issuer: read('ca') };
});

/** Any bytes, and bytes that look like DER a little longer. */
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 400 }),
  fc
    .array(
      fc.tuple(fc.constantFrom(0x30, 0xa0, 0x0a, 0x02, 0x04, 0x03, 0x18), fc.uint8Array({ maxLength: 30 })),
    )
    .map((parts) => {
      const inner = parts.flatMap(([tag, value]) => [tag, value.length, ...value]).slice(0, 120);
      return Uint8Array.from([0x30, inner.length, ...inner]);
    }),
);

test('no bytes make a certificate good or revoked, or are a fault', () => {
  const nonce = new Uint8Array(32);
  fc.assert(
    fc.property(bytes, (answer) => {
      expect(judgeOcspResponse(answer, pair, { nonce, now }).status).toBe('untold');
      expect(judgeCrl(answer, pair, { address: 'http://e.example/', now }).status).toBe('untold');
    }),
    { numRuns: 2000 },
  );
});

test('the addresses of a certificate are those of http and https', () => {
  expect(revocationAddresses(pair.certificate)).toEqual({
    ocsp: ['http://a.example/'],
    crl: ['https://d.example/list', 'http://e.example/list'],
  });
});

test('an answer is asked for again between five minutes and an hour later, whatever it says', () => {
  fc.assert(
    fc.property(
      fc.date({ noInvalidDate: true }),
      fc.constantFrom('good', 'revoked', 'untold'),
      (validUntil, status) => {
        const at = askAgainAt({ status, reason: '', validUntil } as const, now.getTime()) - now.getTime();
        expect(at).toBeGreaterThanOrEqual(5 * 60_000);
        expect(at).toBeLessThanOrEqual(60 * 60_000);
      },
    ),
  );
});
