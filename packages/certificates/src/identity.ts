import type { X509Certificate } from 'node:crypto';
import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';

export type IdentityRule = 'commonName' | 'subjectAlternativeEmail' | 'userPrincipalName';

export type IdentityResult = { ok: true; account: string } | { ok: false; detail: string };

const oid = {
  commonName: '2.5.4.3',
  subjectAlternativeName: '2.5.29.17',
  /** Microsoft's UPN, an `otherName` with a UTF8String. */
  userPrincipalName: '1.3.6.1.4.1.311.20.2.3',
};

/** Kinds of GeneralName, RFC 5280 §4.2.1.6. */
const generalName = { other: 0, email: 1 };

/** An e-mail address is the longest name that anyone signs in with (RFC 5321 §4.5.3.1). */
const longestAccount = 254;

/** Reads the account name where the rule says. None, and more than one, are refused: nobody may choose. */
export function readIdentity(certificate: X509Certificate, rule: IdentityRule): IdentityResult {
  let names: string[];
  try {
    names = namesBy(rule, pkijs.Certificate.fromBER(certificate.raw));
  } catch {
    return { ok: false, detail: 'the names in the client certificate cannot be read' };
  }
  const [name] = names;
  if (name === undefined) return { ok: false, detail: `the client certificate has no ${place[rule]}` };
  if (names.length > 1) {
    return {
      ok: false,
      detail: `the client certificate has ${names.length} of ${place[rule]}; exactly one is allowed`,
    };
  }
  // A control character could forge a line of a log or, as NUL, hide the end of a name.
  if (name.trim() === '' || name.length > longestAccount || /\p{C}/u.test(name)) {
    return {
      ok: false,
      detail: `the ${place[rule]} of the client certificate is not usable as an account name`,
    };
  }
  return { ok: true, account: name };
}

const place: Record<IdentityRule, string> = {
  commonName: 'common name',
  subjectAlternativeEmail: 'e-mail address among its subject alternative names',
  userPrincipalName: 'user principal name among its subject alternative names',
};

function namesBy(rule: IdentityRule, certificate: pkijs.Certificate): string[] {
  if (rule === 'commonName') {
    return certificate.subject.typesAndValues
      .filter(({ type }) => type === oid.commonName)
      .map(({ value }) => String(value.valueBlock.value));
  }
  const alternatives = alternativeNames(certificate);
  if (rule === 'subjectAlternativeEmail') {
    return alternatives.filter(({ type }) => type === generalName.email).map(({ value }) => String(value));
  }
  return alternatives
    .filter(({ type }) => type === generalName.other)
    .flatMap(({ value }) => principalName(value) ?? []);
}

function alternativeNames(certificate: pkijs.Certificate): pkijs.GeneralName[] {
  const extension = certificate.extensions?.find(({ extnID }) => extnID === oid.subjectAlternativeName);
  const value = extension?.parsedValue;
  return value instanceof pkijs.AltName ? value.altNames : [];
}

/** `otherName` is [0] { OID, [0] EXPLICIT UTF8String }. */
function principalName(value: unknown): string | undefined {
  if (!(value instanceof asn1js.Constructed || value instanceof asn1js.Sequence)) return undefined;
  const [type, wrapper] = value.valueBlock.value;
  if (!(type instanceof asn1js.ObjectIdentifier) || type.getValue() !== oid.userPrincipalName)
    return undefined;
  if (!(wrapper instanceof asn1js.Constructed)) return undefined;
  const [text] = wrapper.valueBlock.value;
  return text instanceof asn1js.Utf8String ? text.getValue() : undefined;
}
