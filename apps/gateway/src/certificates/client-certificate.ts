/** Why a client certificate does not sign in. */
export type ClientCertificateRefusal =
  | 'unproved'
  | 'unreadable'
  | 'weakKey'
  | 'expired'
  | 'notYetValid'
  | 'unknownIssuer'
  | 'notForClients'
  | 'noIdentity';

/** What the examination of a client certificate found; `detail` is a sentence for logs and forms. */
export type ClientCertificateVerdict =
  | { kind: 'accepted'; account: string }
  | { kind: 'refused'; reason: ClientCertificateRefusal; detail: string };
