import type { X509Certificate } from 'node:crypto';
import { isSelfSigned, type OrderedChain } from '../chain.ts';
import { isPublic } from './public-roots.ts';
import { issuerOf, nameOf } from './subject.ts';
import type { Violation } from './violation.ts';

/** Whether the chain leads to a root, and what else is in the file. Further ways of cross-signed certificates are no fault. */
export function checkChainOf(
  { chain, strangers }: OrderedChain,
  given: readonly X509Certificate[],
): Violation[] {
  return [...checkCompleteness(chain), ...strangers.map(strange), ...checkOrder(chain, given)];
}

function checkCompleteness(chain: readonly X509Certificate[]): Violation[] {
  const last = chain.at(-1);
  if (last === undefined || isSelfSigned(last) || isPublic(chain)) return [];
  const issuer = issuerOf(last);
  return [
    {
      rule: 'chain',
      severity: 'warning',
      text: {
        en: `the chain is not complete: the certificate of ${issuer} is missing`,
        ja: `証明書チェーンが完全ではありません (${issuer} の証明書がありません)`,
      },
      remedy: {
        en: 'put the whole chain into the file',
        ja: 'チェーン全体 (サーバー、中間、ルートの各証明書) を 1 つのファイルに入れてください',
      },
    },
  ];
}

function strange(certificate: X509Certificate): Violation {
  const name = nameOf(certificate);
  return {
    rule: 'chain',
    severity: 'warning',
    text: {
      en: `${name} does not belong to the chain and is not sent`,
      ja: `${name} はこのチェーンに属していないため、送信されません`,
    },
  };
}

function checkOrder(chain: readonly X509Certificate[], given: readonly X509Certificate[]): Violation[] {
  const places = chain.map((certificate) => given.findIndex(({ raw }) => raw.equals(certificate.raw)));
  const isOrdered = places.every((place, index) => index === 0 || place > (places[index - 1] ?? -1));
  if (isOrdered) return [];
  return [
    {
      rule: 'chain',
      severity: 'note',
      text: {
        en: 'the certificates of the file are not in order; they are sent in the right one',
        ja: 'ファイル内の証明書の順序が正しくありませんが、正しい順序で送信されます',
      },
    },
  ];
}
