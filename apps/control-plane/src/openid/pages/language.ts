import type { Language } from './messages.ts';

const isKnown = (tag: string): tag is Language => tag === 'en' || tag === 'ja';

/**
 * The language of a page: what the program asked for (`ui_locales`, OpenID Connect Core §3.1.2.1: in order of preference), or
 * else what the browser prefers (`Accept-Language`, RFC 9110 §12.5.4).
 */
export function chooseLanguage(uiLocales: string | undefined, acceptLanguage: string | undefined): Language {
  const wanted = [...(uiLocales ?? '').split(' '), ...byWeight(acceptLanguage ?? '')];
  return wanted.map((tag) => tag.split('-')[0]?.toLowerCase() ?? '').find(isKnown) ?? 'en';
}

function byWeight(header: string): string[] {
  return header
    .split(',')
    .slice(0, 20)
    .map((part) => {
      const [tag = '', weight] = part.trim().split(/\s*;\s*q=/i);
      return { tag, weight: weight === undefined ? 1 : Number(weight) };
    })
    .filter(({ weight }) => weight > 0)
    .sort((one, other) => other.weight - one.weight)
    .map(({ tag }) => tag);
}
