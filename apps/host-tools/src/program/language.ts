/** Languages of everything that the host tools say. */
export const languages = ['en', 'ja'] as const;
export type Language = (typeof languages)[number];

/** One text in every language. */
export type Localized = Readonly<Record<Language, string>>;

/** The language of a terminal (`LC_ALL`, `LC_MESSAGES`, `LANG`; POSIX.1-2024 §8.2). */
export function languageOf({ LC_ALL, LC_MESSAGES, LANG }: NodeJS.ProcessEnv): Language {
  const locale = LC_ALL || LC_MESSAGES || LANG || '';
  return /^ja([_.@-]|$)/.test(locale) ? 'ja' : 'en';
}
