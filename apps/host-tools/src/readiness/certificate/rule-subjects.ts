import type { CertificateRule } from '@culvert/certificates/rules/violation.ts';
import type { Localized } from '../../program/language.ts';

/** Each rule for the certificate of a server: its title, why it matters, and what is told when it is kept. */
export const ruleSubjects: Record<CertificateRule, { title: Localized; why: Localized; kept: Localized }> = {
  'key-match': {
    title: { en: 'Private key', ja: '秘密鍵' },
    why: {
      en: 'The gateway can use a certificate only with its own key.',
      ja: '証明書は、対応する秘密鍵がなければ使用できません。',
    },
    kept: { en: 'belongs to the certificate', ja: '証明書に対応しています' },
  },
  names: {
    title: { en: 'Public address', ja: 'パブリック アドレス' },
    why: {
      en: 'Devices refuse a certificate that is not for the address they connect to.',
      ja: 'デバイスは、接続先のアドレスを含まない証明書を拒否します。',
    },
    kept: { en: 'is covered', ja: '証明書に含まれています' },
  },
  wildcard: {
    title: { en: 'Wildcards', ja: 'ワイルドカード' },
    why: {
      en: 'Devices take a wildcard only as the whole left-most label.',
      ja: 'デバイスが認めるワイルドカードは、左端のラベル全体だけです。',
    },
    kept: { en: 'none, or in the right place', ja: '使用していないか、正しい位置にあります' },
  },
  dates: {
    title: { en: 'Dates', ja: '有効期間の開始と終了' },
    why: {
      en: 'Devices refuse a certificate before and after its time.',
      ja: 'デバイスは、有効期間外の証明書を拒否します。',
    },
    kept: { en: 'good now, and for 30 days at least', ja: '現在有効で、30 日以上残っています' },
  },
  validity: {
    title: { en: 'Validity as a whole', ja: '有効期間の長さ' },
    why: {
      en: 'iOS refuses certificates that are valid for too long: 398 days from a public authority, two years from a private one.',
      ja: 'iOS は、有効期間が長すぎる証明書を拒否します (パブリックな認証局は 398 日、プライベートな認証局は 2 年まで)。',
    },
    kept: { en: 'short enough', ja: '上限以内です' },
  },
  'key-strength': {
    title: { en: 'Strength of the keys', ja: '鍵の強度' },
    why: { en: 'Devices refuse weak keys.', ja: 'デバイスは、弱い鍵を拒否します。' },
    kept: { en: 'strong enough', ja: '十分です' },
  },
  signature: {
    title: { en: 'Signatures', ja: '署名アルゴリズム' },
    why: { en: 'Devices refuse SHA-1 and MD5.', ja: 'デバイスは、SHA-1 と MD5 を拒否します。' },
    kept: { en: 'SHA-256 or better', ja: 'SHA-256 以上です' },
  },
  purpose: {
    title: { en: 'Purpose', ja: '用途' },
    why: {
      en: 'Devices refuse a certificate that is not for servers.',
      ja: 'デバイスは、サーバー用でない証明書を拒否します。',
    },
    kept: { en: 'for servers', ja: 'サーバー用です' },
  },
  chain: {
    title: { en: 'Chain', ja: '証明書チェーン' },
    why: {
      en: 'Devices that know only the root cannot complete a chain by themselves.',
      ja: 'ルート証明書しか持たないデバイスは、足りない証明書を補えません。',
    },
    kept: { en: 'complete and in order', ja: '完全で、順序も正しいです' },
  },
};
