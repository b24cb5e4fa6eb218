import { randomBytes, type X509Certificate } from 'node:crypto';
import { checkChain } from '@culvert/certificates/revocation/check.ts';
import { checkServerCertificate } from '@culvert/certificates/rules/check-server-certificate.ts';
import {
  type ReadCertificate,
  readServerCertificate,
} from '@culvert/certificates/rules/read-server-certificate.ts';
import {
  type CertificateRule,
  certificateRules,
  type Violation,
} from '@culvert/certificates/rules/violation.ts';
import type { Check, CheckReport, CheckResult, Finding } from '../../checks/check.ts';
import { runChecks } from '../../checks/run-checks.ts';
import type { Localized } from '../../program/language.ts';
import { askRevocation } from './ask-revocation.ts';
import { ruleSubjects } from './rule-subjects.ts';

/** A certificate as it was found on the disk. */
export interface CertificateQuestion {
  /** Shown to people. */
  file: string;
  bytes: Buffer;
  keyText?: string;
  password?: string;
  /** Name or IP address that devices connect to. */
  address?: string;
  now: Date;
}

/** Checks the file of a certificate by every rule, and asks whether it was revoked. */
export async function certificateReports(question: CertificateQuestion): Promise<CheckReport[]> {
  const { bytes, keyText, password, file } = question;
  const read = await readServerCertificate(bytes, {
    ...(keyText === undefined ? {} : { keyText }),
    ...(password === undefined ? {} : { password }),
  });
  if (!read.ok) {
    const found = { en: `${file} ${read.message}`, ja: `${file}: ${read.messageInJapanese}` };
    return runChecks([fileCheck({ result: 'failed', found })]);
  }
  return runChecks([fileCheck(judgeForm(read.value, file)), ...ruleChecks(read.value, question)]);
}

function fileCheck(finding: Finding): Check {
  return {
    id: 'certificate.file',
    title: { en: 'File of the certificate', ja: '証明書ファイル' },
    why: {
      en: 'The gateway reads PEM or PFX, with a key that is not encrypted.',
      ja: 'ゲートウェイが読み取れるのは、PEM または PFX 形式で、秘密鍵が暗号化されていないものです。',
    },
    run: async () => finding,
  };
}

function judgeForm({ form, isOldPfx, certificates }: ReadCertificate, file: string): Finding {
  if (isOldPfx === true) {
    return {
      result: 'warning',
      found: {
        en: `${file} is a PFX file with old encryption (RC2 or 3DES)`,
        ja: `${file} は古い暗号化方式 (RC2 または 3DES) の PFX ファイルです`,
      },
      remedy: {
        commands: [
          `openssl pkcs12 -legacy -in ${file} -nodes -out site.pem`,
          'openssl pkcs12 -export -in site.pem -out site.pfx && rm site.pem',
        ],
      },
    };
  }
  const count = certificates.length;
  const kind = form.toUpperCase();
  return {
    result: 'ok',
    found: { en: `${kind} with ${count} certificate(s)`, ja: `${kind} 形式、証明書 ${count} 個` },
  };
}

function ruleChecks(read: ReadCertificate, { address, now }: CertificateQuestion): Check[] {
  const { violations, ordered } = checkServerCertificate({
    ...read,
    ...(address === undefined ? {} : { publicAddress: address }),
    now,
  });
  // Without a chain nothing but the key has been looked at.
  const looked = certificateRules.filter(
    (rule) =>
      (rule !== 'key-match' || read.privateKey !== undefined) &&
      (rule !== 'names' || address !== undefined) &&
      (ordered !== undefined || violations.some((violation) => violation.rule === rule)),
  );
  const checks = looked.map((rule): Check => {
    const { title, why } = ruleSubjects[rule];
    const id = `certificate.${rule}`;
    return { id, title, why, run: async () => findingOf(rule, violations) };
  });
  return ordered === undefined ? checks : [...checks, revocationCheck(ordered.chain)];
}

const resultOf: Record<Violation['severity'], CheckResult> = {
  error: 'failed',
  warning: 'warning',
  note: 'ok',
};
const order: readonly CheckResult[] = ['failed', 'warning', 'ok'];

/** What was found of one rule: the worst of what breaks it counts, and all of it is told. */
export function findingOf(rule: CertificateRule, violations: readonly Violation[]): Finding {
  const broken = violations.filter((violation) => violation.rule === rule);
  if (broken.length === 0) return { result: 'ok', found: ruleSubjects[rule].kept };
  const results = broken.map(({ severity }) => resultOf[severity]);
  const result = order.find((one) => results.includes(one)) ?? 'ok';
  const remedies = broken.flatMap(({ remedy }) => (remedy === undefined ? [] : [remedy]));
  return {
    result,
    found: joined(broken.map(({ text }) => text)),
    ...(remedies.length === 0 ? {} : { remedy: { text: joined(remedies), commands: [] } }),
  };
}

function joined(texts: readonly Localized[]): Localized {
  const distinct = (language: keyof Localized) => [...new Set(texts.map((text) => text[language]))];
  return { en: distinct('en').join('; '), ja: distinct('ja').join('。') };
}

function revocationCheck(chain: X509Certificate[]): Check {
  return {
    id: 'certificate.revocation',
    title: { en: 'Revocation', ja: '失効' },
    why: {
      en: 'Devices may refuse a certificate that was revoked, or whose revocation nobody can tell.',
      ja: '失効した証明書や、失効を確認できない証明書は、デバイスに拒否されることがあります。',
    },
    run: async (signal) => {
      const ask = askRevocation(signal);
      const found = await checkChain(chain, { ask, now: () => new Date(), random: randomBytes });
      return judgeRevocation(found);
    },
  };
}

function judgeRevocation({ status, reason }: Awaited<ReturnType<typeof checkChain>>): Finding {
  switch (status) {
    case 'good':
      return { result: 'ok', found: { en: 'not revoked', ja: '失効していません' } };
    case 'noAddress':
      return {
        result: 'ok',
        found: { en: reason, ja: '証明書に OCSP、CRL のアドレスがないため、確認の必要はありません' },
      };
    case 'revoked':
      return { result: 'failed', found: { en: reason, ja: `失効しています: ${reason}` } };
    case 'untold':
      return {
        result: 'warning',
        found: { en: reason, ja: `失効を確認できません: ${reason}` },
        remedy: {
          text: {
            en: 'let this server out to the OCSP and CRL addresses of the certificate: mst-readiness network --certificate FILE',
            ja: 'このサーバーから証明書の OCSP、CRL のアドレスへの通信を許可してください: mst-readiness network --certificate FILE',
          },
          commands: [],
        },
      };
  }
}
