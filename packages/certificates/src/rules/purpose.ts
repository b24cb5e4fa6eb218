import type { X509Certificate } from 'node:crypto';
import type { Violation } from './violation.ts';

const serverAuthentication = '1.3.6.1.5.5.7.3.1';

/** Whether the certificate may be used by a server; without the extension it may be used for anything (RFC 5280 §4.2.1.12). */
export function checkPurpose(leaf: X509Certificate): Violation[] {
  const purposes = leaf.keyUsage as string[] | undefined;
  if (purposes === undefined || purposes.length === 0 || purposes.includes(serverAuthentication)) return [];
  return [
    {
      rule: 'purpose',
      severity: 'error',
      text: {
        en: 'is not for servers: its extended key usage lacks serverAuth',
        ja: 'サーバー用の証明書ではありません (拡張キー使用法に serverAuth がありません)',
      },
      remedy: {
        en: 'get one from a template for web servers',
        ja: 'Web サーバー用のテンプレートで証明書を取得してください',
      },
    },
  ];
}
