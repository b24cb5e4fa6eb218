import { checkServerCertificate } from '@culvert/certificates/rules/check-server-certificate.ts';
import type { ReadCertificate } from '@culvert/certificates/rules/read-server-certificate.ts';
import { nameOf, subjectAlternativeNames } from '@culvert/certificates/rules/subject.ts';
import type { Violation } from '@culvert/certificates/rules/violation.ts';
import { z } from 'zod';
import { readSharedFile } from '../host-layout/shared-file.ts';

/** A certificate as the gateway takes it. */
export interface PreparedCertificate {
  /** PEM: the whole chain, that of the server first, and its key. */
  bundle: string;
  /** PEM: the chain alone. */
  chain: string;
  subject: string;
  names: string[];
  expiresAt: Date;
}

export interface Preparation {
  /** Absent when devices would refuse it. */
  certificate?: PreparedCertificate;
  violations: Violation[];
}

/** Applies the rules for a server certificate. `publicAddress` is undefined while the server belongs to no site. */
export function prepareCertificate(
  { certificates, privateKey }: ReadCertificate,
  publicAddress: string | undefined,
  now: Date,
): Preparation {
  if (privateKey === undefined) return { violations: [withoutKey] };
  const { violations, ordered } = checkServerCertificate({
    certificates,
    privateKey,
    now,
    ...(publicAddress === undefined ? {} : { publicAddress }),
  });
  const [leaf] = ordered?.chain ?? [];
  if (ordered === undefined || leaf === undefined || violations.some(({ severity }) => severity === 'error'))
    return { violations };
  const chain = ordered.chain.map((certificate) => certificate.toString()).join('');
  return {
    violations,
    certificate: {
      bundle: `${chain}${privateKey.export({ type: 'pkcs8', format: 'pem' })}`,
      chain,
      subject: nameOf(leaf),
      names: subjectAlternativeNames(leaf),
      expiresAt: leaf.validToDate,
    },
  };
}

const withoutKey: Violation = {
  rule: 'key-match',
  severity: 'error',
  text: { en: 'there is no private key', ja: '秘密鍵が含まれていません' },
};

const addressSchema = z.object({ publicAddress: z.string().max(253) });

/** The public address of the site of this server; undefined while it has no configuration. */
export function publicAddressIn(gatewayFile: string): string | undefined {
  const text = readSharedFile(gatewayFile);
  if (text === undefined) return undefined;
  try {
    return addressSchema.parse(JSON.parse(text)).publicAddress;
  } catch {
    // The gateway itself says what is wrong with its file; a certificate is no matter of that.
    return undefined;
  }
}
