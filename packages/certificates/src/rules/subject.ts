import type { X509Certificate } from 'node:crypto';

/** The subject for people, on one line. */
export function nameOf(certificate: X509Certificate): string {
  const subject = certificate.subject ?? '';
  return subject === '' ? '(no subject)' : oneLine(subject);
}

/** The issuer for people, on one line. */
export function issuerOf(certificate: X509Certificate): string {
  return oneLine(certificate.issuer ?? '');
}

/** For example `DNS:vpn.example.com` and `IP Address:192.0.2.1`. */
export function subjectAlternativeNames(certificate: X509Certificate): string[] {
  return certificate.subjectAltName?.split(', ') ?? [];
}

function oneLine(name: string): string {
  return name.split('\n').join(', ');
}
