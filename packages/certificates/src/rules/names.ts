import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { subjectAlternativeNames } from './subject.ts';
import type { Violation } from './violation.ts';

/** Whether the names of a certificate cover the public address (RFC 9525): a name or an IP address. */
export function checkNames(leaf: X509Certificate, publicAddress: string): Violation[] {
  const isAddress = isIP(publicAddress) !== 0;
  const covered = isAddress
    ? leaf.checkIP(publicAddress) !== undefined
    : leaf.checkHost(publicAddress, { subject: 'never', partialWildcards: false }) !== undefined;
  if (covered) return [];
  const names = subjectAlternativeNames(leaf);
  const list = names.join(', ');
  const kind = isAddress ? 'IP' : 'DNS';
  return [
    {
      rule: 'names',
      severity: 'error',
      text: {
        en: `does not cover the public address ${publicAddress}; its subject alternative names are ${list || 'none'}`,
        ja: `パブリック アドレス ${publicAddress} が含まれていません (サブジェクトの別名: ${list || 'なし'})`,
      },
      remedy: {
        en: names.includes(`DNS:${publicAddress}`)
          ? `get one whose subject alternative names have ${publicAddress} as an IP address, not as a DNS name`
          : `get one with ${kind}:${publicAddress} among them; a common name does not count`,
        ja: names.includes(`DNS:${publicAddress}`)
          ? `${publicAddress} を DNS 名ではなく IP アドレスとしてサブジェクトの別名に含む証明書を取得してください`
          : `サブジェクトの別名に ${kind}:${publicAddress} を含む証明書を取得してください (共通名は使用されません)`,
      },
    },
  ];
}

/** A wildcard counts only as the whole left-most label: `*.example.com`, not `vp*.example.com` or `a.*.com`. */
export function checkWildcards(leaf: X509Certificate): Violation[] {
  return subjectAlternativeNames(leaf)
    .filter((name) => name.includes('*') && !/^DNS:\*\.[^*]+$/.test(name))
    .map((name) => ({
      rule: 'wildcard',
      severity: 'warning',
      text: {
        en: `${name}: a wildcard counts only as the whole left-most label, such as *.example.com`,
        ja: `${name}: ワイルドカードは *.example.com のように左端のラベル全体としてのみ有効です`,
      },
      remedy: {
        en: 'get one with the whole name instead',
        ja: 'ワイルドカードを使わない名前、または *.example.com 形式の名前の証明書を取得してください',
      },
    }));
}
