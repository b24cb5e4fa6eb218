import { webcrypto } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { makeCertificateRequest } from '../testing/test-agent.ts';
import { readCertificateRequest } from './certificate-request.ts';

const good = (await makeCertificateRequest()).certificateRequest;
const bytes = Buffer.from(good.replace(/-----[^-]+-----|\s/g, ''), 'base64');
const asPem = (der: Buffer) =>
  `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`;

/** The key that a request proves, in DER as base64; undefined when it is refused. */
async function keyOf(text: string): Promise<string | undefined> {
  const read = await readCertificateRequest(text);
  if (!read.ok) return undefined;
  return Buffer.from(await webcrypto.subtle.exportKey('spki', read.publicKey)).toString('base64');
}

function rsaKeys(modulusLength: number) {
  const algorithm = {
    name: 'RSASSA-PKCS1-v1_5',
    modulusLength,
    publicExponent: new Uint8Array([1, 0, 1]),
    hash: 'SHA-256',
  };
  return webcrypto.subtle.generateKey(algorithm, true, [
    'sign',
    'verify',
  ]) as Promise<webcrypto.CryptoKeyPair>;
}

test.each([
  ['P-256', undefined],
  ['RSA 2048', () => rsaKeys(2048)],
  [
    'P-384',
    () =>
      webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-384' }, true, [
        'sign',
        'verify',
      ]) as Promise<webcrypto.CryptoKeyPair>,
  ],
])('a request with a key of %s is taken', async (_name, keys) => {
  const { certificateRequest } = await makeCertificateRequest(await keys?.());
  expect(await readCertificateRequest(certificateRequest)).toMatchObject({ ok: true });
});

test('a key that is too weak is refused, with what is needed', async () => {
  const { certificateRequest } = await makeCertificateRequest(await rsaKeys(1024));
  expect(await readCertificateRequest(certificateRequest)).toEqual({
    ok: false,
    message: 'RSA key of 1024 bits; at least 2048 are needed',
  });
});

test('a request that was changed anywhere is refused, or says the same key still', async () => {
  const key = await keyOf(good);
  await fc.assert(
    fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (place, change) => {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(place) ^ change, place);
      expect([undefined, key]).toContain(await keyOf(asPem(changed)));
    }),
    { numRuns: 150 },
  );
});

test('any other text is refused and is no fault', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string(), fc.uint8Array({ maxLength: 300 }), async (text, some) => {
      expect((await readCertificateRequest(text)).ok).toBe(false);
      expect((await readCertificateRequest(asPem(Buffer.from(some)))).ok).toBe(false);
    }),
  );
});
