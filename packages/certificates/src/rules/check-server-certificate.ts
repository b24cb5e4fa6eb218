import type { KeyObject, X509Certificate } from 'node:crypto';
import { type OrderedChain, orderChain, orderChainFrom } from '../chain.ts';
import { checkChainOf } from './chain-rules.ts';
import { checkDates, checkValidity } from './dates.ts';
import { checkKey, checkKeyStrength, checkSignatures, foreignKey } from './keys.ts';
import { checkNames, checkWildcards } from './names.ts';
import { checkPurpose } from './purpose.ts';
import type { Violation } from './violation.ts';

/** What is known of a certificate and of the server that is to have it. */
export interface ServerCertificate {
  /** In the order of the file. */
  certificates: X509Certificate[];
  /** Without it nobody looks whether the key fits. */
  privateKey?: KeyObject;
  /** Name or IP address that devices connect to; without it nobody looks whether it is covered. */
  publicAddress?: string;
  now: Date;
}

/** What came of the rules. */
export interface CheckedCertificate {
  violations: Violation[];
  /** The chain as it is sent; undefined when no certificate belongs to the key. */
  ordered?: OrderedChain;
}

/** Applies every rule that devices will apply, so that the administrator hears it first. Whether it was revoked is not among them. */
export function checkServerCertificate({
  certificates,
  privateKey,
  publicAddress,
  now,
}: ServerCertificate): CheckedCertificate {
  const ordered =
    privateKey === undefined ? orderWithoutKey(certificates) : orderChain(certificates, privateKey);
  const [leaf] = ordered?.chain ?? [];
  if (ordered === undefined || leaf === undefined) {
    const ofKey = privateKey === undefined ? [] : checkKey(privateKey);
    return { violations: [foreignKey(certificates), ...ofKey] };
  }
  const { chain } = ordered;
  const violations = [
    ...checkKeyStrength(chain),
    ...checkSignatures(chain),
    ...checkDates(chain, now),
    ...checkValidity(chain),
    ...checkWildcards(leaf),
    ...(publicAddress === undefined ? [] : checkNames(leaf, publicAddress)),
    ...checkPurpose(leaf),
    ...checkChainOf(ordered, certificates),
  ];
  return { violations, ordered };
}

/** The certificate that has issued no other one is that of the server. */
function orderWithoutKey(certificates: X509Certificate[]): OrderedChain | undefined {
  const leaf =
    certificates.find(
      (one) =>
        !certificates.some((other) => other !== one && !other.raw.equals(one.raw) && other.checkIssued(one)),
    ) ?? certificates[0];
  return leaf === undefined ? undefined : orderChainFrom(leaf, certificates);
}
