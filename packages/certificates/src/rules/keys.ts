import type { KeyObject, X509Certificate } from 'node:crypto';
import { isSelfSigned } from '../chain.ts';
import { weaknessOf } from '../key-strength.ts';
import { nameOf } from './subject.ts';
import type { Violation } from './violation.ts';

/** Told when none of the certificates is that of the key. */
export function foreignKey(certificates: readonly X509Certificate[]): Violation {
  const given = certificates.map(nameOf).join('; ');
  return {
    rule: 'key-match',
    severity: 'error',
    text: {
      en: `no certificate belongs to the private key; the file holds ${given}`,
      ja: `秘密鍵に対応する証明書がありません (ファイル内の証明書: ${given})`,
    },
    remedy: {
      en: 'put the key here with which this certificate was requested',
      ja: 'この証明書の要求に使用した秘密鍵を配置してください',
    },
  };
}

/** Told when the private key itself is too weak and there is no certificate to tell it of. */
export function checkKey(privateKey: KeyObject): Violation[] {
  const weakness = weaknessOf(privateKey);
  if (weakness === undefined) return [];
  return [weak('the private key is an', '秘密鍵: ', weakness)];
}

/** Whether the keys of all certificates are strong enough and of a kind that devices know. */
export function checkKeyStrength(chain: readonly X509Certificate[]): Violation[] {
  return chain.flatMap((certificate) => {
    const weakness = weaknessOf(certificate.publicKey);
    return weakness === undefined
      ? []
      : [weak(`${nameOf(certificate)}:`, `${nameOf(certificate)}: `, weakness)];
  });
}

function weak(en: string, ja: string, weakness: { en: string; ja: string }): Violation {
  return {
    rule: 'key-strength',
    severity: 'error',
    text: { en: `${en} ${weakness.en}`, ja: `${ja}${weakness.ja}` },
    remedy: {
      en: 'make a new key and get a certificate for it',
      ja: '新しい鍵を作成し、その鍵の証明書を取得してください',
    },
  };
}

/** Whether every signature is one that devices believe. */
export function checkSignatures(chain: readonly X509Certificate[]): Violation[] {
  return chain
    .filter(
      (certificate) =>
        // A root is trusted for what it is; nobody checks the signature it made over itself.
        !isSelfSigned(certificate) && /sha1|md5/i.test(certificate.signatureAlgorithm ?? ''),
    )
    .map((certificate) => ({
      rule: 'signature',
      severity: 'error',
      text: {
        en: `${nameOf(certificate)} is signed with ${certificate.signatureAlgorithm}, which devices refuse`,
        ja: `${nameOf(certificate)} の署名アルゴリズム ${certificate.signatureAlgorithm} は、デバイスに拒否されます`,
      },
      remedy: {
        en: 'SHA-256 or better is needed',
        ja: 'SHA-256 以上で署名された証明書を取得してください',
      },
    }));
}
