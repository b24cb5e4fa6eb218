/** One text in every language of the product. */
export type LocalizedText = Readonly<Record<'en' | 'ja', string>>;

/** The rules for a server certificate, in the order in which they are told. */
export const certificateRules = [
  'key-match',
  'names',
  'wildcard',
  'dates',
  'validity',
  'key-strength',
  'signature',
  'purpose',
  'chain',
] as const;
export type CertificateRule = (typeof certificateRules)[number];

/** A rule that a certificate breaks. */
export interface Violation {
  rule: CertificateRule;
  /** `error`: devices refuse it. `warning`: some do, or will soon. `note`: put right when it is used. */
  severity: 'error' | 'warning' | 'note';
  /** What is wrong, without a full stop. */
  text: LocalizedText;
  /** What to do; absent when nothing has to be done. */
  remedy?: LocalizedText;
}

/** What is wrong and what to do, in one sentence in English. */
export function sentenceOf({ text, remedy }: Violation): string {
  return remedy === undefined ? text.en : `${text.en}; ${remedy.en}`;
}
