import type { Localized } from '../../program/language.ts';

/** Something that a server must get through to. */
export interface Target {
  /** Ends the id of its check: `control-plane`. */
  id: string;
  title: Localized;
  why: Localized;
  url: URL;
  /** Statuses that are right; without them every answer below 500 is. */
  expected?: readonly number[];
  /** PEM of whom to trust there; the well-known authorities when it is absent. */
  authorities?: readonly string[];
  /** Shown to a listener that asks for a certificate. */
  clientCertificate?: { cert: string; key: string };
  /** What else must be so of the answer; undefined when it is. */
  examine?: (body: string) => Localized | undefined;
  /** What to do when the certificate is of an authority that is not trusted, besides exempting it from inspection. */
  distrustHint?: Localized;
}

export function portOf({ port, protocol }: URL): number {
  if (port !== '') return Number(port);
  return protocol === 'https:' ? 443 : 80;
}
