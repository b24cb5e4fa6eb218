import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';
import { contentOf, type Element, elementsOf, readElement, tag, wholeOf } from './der.ts';

/**
 * A CertificateList (RFC 5280 §5.1). Its entries stay bytes, because a public authority has a hundred thousand of them, and as
 * objects they would take a gigabyte and ten seconds.
 */
export interface CertificateList {
  /** What is signed. */
  signed: Uint8Array;
  signature: Uint8Array;
  signatureAlgorithm: pkijs.AlgorithmIdentifier;
  issuer: pkijs.RelativeDistinguishedNames;
  thisUpdate: Date;
  nextUpdate: Date | undefined;
  extensions: pkijs.Extension[];
  entries(): Generator<CertificateListEntry>;
}

export interface CertificateListEntry {
  /** Content of the INTEGER. */
  serial: Uint8Array;
  revokedAt(): Date;
  extensions(): pkijs.Extension[];
  /** False when none of its extensions can be critical; spares reading them. */
  mayHaveCritical: boolean;
}

/** Reads a list; throws when it is none. Entries are read when they are asked for, and throw then. */
export function readCertificateList(der: Uint8Array): CertificateList {
  const whole = readElement(der, 0, der.length);
  const [signed, algorithm, signature] = [...elementsOf(der, whole)];
  if (signed === undefined || algorithm === undefined || signature?.tag !== tag.bitString) {
    throw new RangeError('no certificate list');
  }
  const [unusedBits] = contentOf(der, signature);
  if (whole.end !== der.length || unusedBits !== 0) throw new RangeError('no certificate list');
  const parts = [...elementsOf(der, signed)];
  const take = (...tags: number[]): Element | undefined =>
    parts[0] !== undefined && tags.includes(parts[0].tag) ? parts.shift() : undefined;
  const must = (element: Element | undefined): Element => {
    if (element === undefined) throw new RangeError('no certificate list');
    return element;
  };
  take(tag.integer);
  const inner = wholeOf(der, must(take(tag.sequence)));
  // RFC 5280 §5.1.1.2: what is not signed must say the same as what is.
  if (Buffer.compare(inner, wholeOf(der, algorithm)) !== 0) throw new RangeError('two algorithms');
  const issuer = must(take(tag.sequence));
  const thisUpdate = must(take(tag.utcTime, tag.generalizedTime));
  const nextUpdate = take(tag.utcTime, tag.generalizedTime);
  const entries = take(tag.sequence);
  const extensions = take(tag.context0);
  return {
    signed: wholeOf(der, signed),
    signature: contentOf(der, signature).subarray(1),
    signatureAlgorithm: pkijs.AlgorithmIdentifier.fromBER(inner),
    issuer: pkijs.RelativeDistinguishedNames.fromBER(wholeOf(der, issuer)),
    thisUpdate: readTime(der, thisUpdate),
    nextUpdate: nextUpdate === undefined ? undefined : readTime(der, nextUpdate),
    extensions: extensions === undefined ? [] : readExtensions(contentOf(der, extensions)),
    *entries() {
      if (entries === undefined) return;
      for (const entry of elementsOf(der, entries)) yield readEntry(der, entry);
    },
  };
}

function readEntry(der: Uint8Array, entry: Element): CertificateListEntry {
  const [serial, time, extensions] = elementsOf(der, entry);
  if (serial?.tag !== tag.integer || time === undefined)
    throw new RangeError('no entry of a certificate list');
  return {
    serial: contentOf(der, serial),
    revokedAt: () => readTime(der, time),
    extensions: () => (extensions === undefined ? [] : readExtensions(wholeOf(der, extensions))),
    mayHaveCritical: extensions !== undefined && hasTrue(contentOf(der, extensions)),
  };
}

/** Looks for BOOLEAN TRUE (X.690 §11.1), which `critical` would be; finding it elsewhere only costs a closer look. */
function hasTrue(bytes: Uint8Array): boolean {
  return bytes.some(
    (byte, index) => byte === tag.boolean && bytes[index + 1] === 1 && bytes[index + 2] === 0xff,
  );
}

function readExtensions(der: Uint8Array): pkijs.Extension[] {
  return pkijs.Extensions.fromBER(der).extensions;
}

function readTime(der: Uint8Array, element: Element): Date {
  const { result } = asn1js.fromBER(wholeOf(der, element));
  if (!(result instanceof asn1js.UTCTime || result instanceof asn1js.GeneralizedTime)) {
    throw new RangeError('no time');
  }
  return result.toDate();
}
