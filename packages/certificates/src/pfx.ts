import { createPrivateKey, X509Certificate } from 'node:crypto';
import * as pkijs from 'pkijs';
import { type CertificateBundle, type Outcome, unusable } from './bundle.ts';
import { readLegacyPfx, withoutCertificate, withoutKey, wrongPassword } from './legacy-pfx.ts';

const bagTypes = {
  key: '1.2.840.113549.1.12.10.1.1',
  shroudedKey: '1.2.840.113549.1.12.10.1.2',
  certificate: '1.2.840.113549.1.12.10.1.3',
};

const encryptedData = '1.2.840.113549.1.7.6';

/**
 * Reads a PKCS#12 file. Files with PBES2 (OpenSSL 3, current Windows) are read here; older ones use
 * 3DES and RC2, which neither WebCrypto nor Node's OpenSSL has, so those go through the host's `openssl`.
 */
export async function readPfx(der: Buffer, password: string): Promise<Outcome<CertificateBundle>> {
  // DER of a SEQUENCE; anything else is not PKCS#12 and would only give a puzzling message below.
  if (der[0] !== 0x30) return unusable('is not a PKCS#12 file', 'PKCS#12 (PFX) ファイルではありません');
  try {
    return collect(await openBags(der, password));
  } catch (error) {
    const isWrongPassword = error instanceof Error && /integrity/i.test(error.message);
    if (isWrongPassword) return wrongPassword();
    return readLegacyPfx(der, password);
  }
}

async function openBags(der: Buffer, password: string): Promise<pkijs.SafeBag[]> {
  const secret = new TextEncoder().encode(password).buffer;
  const pfx = pkijs.PFX.fromBER(der);
  await pfx.parseInternalValues({ password: secret, checkIntegrity: true });
  const safe = pfx.parsedValue?.authenticatedSafe;
  if (safe === undefined) throw new Error('no authenticated safe');
  await safe.parseInternalValues({
    safeContents: safe.safeContents.map(({ contentType }) =>
      contentType === encryptedData ? { password: secret } : {},
    ),
  });
  const contents: { value: pkijs.SafeContents }[] = safe.parsedValue.safeContents;
  const bags = contents.flatMap(({ value }) => value.safeBags);
  for (const { bagValue } of bags) {
    if (bagValue instanceof pkijs.PKCS8ShroudedKeyBag) await openShroudedKey(bagValue, secret);
  }
  return bags;
}

async function openShroudedKey(bag: pkijs.PKCS8ShroudedKeyBag, password: ArrayBuffer): Promise<void> {
  // The method is marked protected in the types of pkijs, and its own examples call it.
  const open = Reflect.get(bag, 'parseInternalValues') as (options: {
    password: ArrayBuffer;
  }) => Promise<void>;
  await open.call(bag, { password });
}

function collect(bags: pkijs.SafeBag[]): Outcome<CertificateBundle> {
  const certificates: X509Certificate[] = [];
  const keys: Buffer[] = [];
  for (const { bagId, bagValue } of bags) {
    if (bagId === bagTypes.certificate && bagValue instanceof pkijs.CertBag) {
      const { parsedValue } = bagValue;
      if (parsedValue instanceof pkijs.Certificate) {
        certificates.push(new X509Certificate(Buffer.from(parsedValue.toSchema(true).toBER(false))));
      }
    } else if (bagId === bagTypes.shroudedKey && bagValue instanceof pkijs.PKCS8ShroudedKeyBag) {
      if (bagValue.parsedValue !== undefined)
        keys.push(Buffer.from(bagValue.parsedValue.toSchema().toBER(false)));
    } else if (bagId === bagTypes.key && bagValue instanceof pkijs.PrivateKeyInfo) {
      keys.push(Buffer.from(bagValue.toSchema().toBER(false)));
    }
  }
  return bundleOf(certificates, keys);
}

function bundleOf(certificates: X509Certificate[], keys: Buffer[]): Outcome<CertificateBundle> {
  const [key] = keys;
  if (key === undefined) return withoutKey();
  if (keys.length > 1) {
    return unusable(
      `the PFX file holds ${keys.length} private keys; exactly one is allowed`,
      `PFX ファイルに秘密鍵が ${keys.length} 個含まれています。1 個だけにしてください`,
    );
  }
  if (certificates.length === 0) return withoutCertificate();
  return {
    ok: true,
    value: { certificates, privateKey: createPrivateKey({ key, format: 'der', type: 'pkcs8' }) },
  };
}
