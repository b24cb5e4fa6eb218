/** What stands in the place of a secret. */
export const redacted = '…';

/** Ends of names whose values are secret, in fields, headers, elements of XML and `name=value`. */
const secretName = `(?:${[
  '(?:pass(?:word|wd|phrase|code)|pwd|secret|token)(?:[-_]?hash)?',
  'cookie|credential|authorization|assertion|SAMLResponse|webvpn[a-z]*',
  '(?:api|private|preshared|pre-shared|master|secret|signing|encryption|session|shared|access)[-_]?key',
  // RFC 8628: codes with which somebody else could finish a sign-in.
  '(?:device|user)[-_]?code',
].join('|')})s?`;
/** A name and what stands between it and its value, also in JSON that is itself in a string. */
const named = (name: string) => `${name}(?:\\\\*["'])?\\s{0,8}(?:=>?|:)\\s{0,8}`;
const nextName = `(?!${named(secretName)})`;
/** A value in quotes; one that was cut off goes to the end. It never swallows the name of the next secret. */
const quoted = `(\\\\*["'])(?:${nextName}[\\s\\S])*?(?:(?<!\\\\)\\1|$)`;

const anyField = new RegExp(`${secretName}$`, 'i');

/** What stands in every text that one of the patterns finds something in; most lines have none of it. */
const hint =
  /pass|pwd|secret|token|cookie|assertion|samlresponse|(?:device|user)[-_]?code|credential|authorization|key|webvpn|bearer|culvert|eyj|:\/\/|[a-z0-9+/]{64}/i;

/** What is secret in a text; a group `kept` is shown. */
const patterns: readonly RegExp[] = [
  // RFC 7468, also with `\n` in two characters and when its end is missing.
  /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----|$)/g,
  // The middle of a key whose first line is not in this text: a whole line of PEM.
  /^[A-Za-z0-9+/]{64}$/gm,
  new RegExp(
    `(?<kept><(?<element>[\\w.:-]{0,64}?${secretName})(?:\\s(?:[^>]*[^>/])?)?>)[\\s\\S]*?(?=</\\k<element>\\s*>|$)`,
    'gi',
  ),
  // RFC 9110 §11.6.2 and RFC 6265 §5: the whole value of the header.
  new RegExp(`(?<=${named('(?:authorization|cookie)')})(?:${quoted}|[^\\n]+)`, 'gi'),
  new RegExp(`(?<=${named(secretName)})(?:${quoted}|(?:${nextName}[^\\s&])+)`, 'gi'),
  // RFC 6750 §2.1.
  /(?<=bearer\s{1,8})[\w.~+/=-]{8,}/gi,
  /(?<=culvert-join-)[\w-]+/gi,
  /(?<=culvert_)[\w-]{16,}/gi,
  // RFC 7519: JSON Web Tokens.
  /eyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?/g,
  // RFC 3986 §3.2.1: the password of an address.
  /(?<kept>:\/\/[^\s/:@]{0,256}:)\S{0,1024}(?=@)/g,
];

/** The text without passwords, cookies, tokens and private keys. What is no secret but looks like one may go with them. */
export function redactText(text: string): string {
  if (!hint.test(text)) return text;
  let shown = '';
  let end = 0;
  for (const [from, to] of secretSpans(text)) {
    if (from >= end) shown += text.slice(end, from) + redacted;
    end = Math.max(end, to);
  }
  return shown + text.slice(end);
}

/** Where secrets stand, in order. Every pattern looks at the text as it was, so that none hides a secret from another. */
function secretSpans(text: string): [number, number][] {
  const spans: [number, number][] = [];
  for (const pattern of patterns) {
    for (const { 0: found, index, groups } of text.matchAll(pattern)) {
      const from = index + (groups?.kept?.length ?? 0);
      if (found !== '') spans.push([from, index + found.length]);
    }
  }
  return spans.sort(([a], [b]) => a - b);
}

/** Levels of objects in objects; what is deeper is left out. */
const deepest = 10;

/** The value of a field without secrets, by the name of the field and by what stands in its texts. */
export function redactValue(value: unknown, name = '', depth = 0): unknown {
  if (value === null || value === undefined || typeof value === 'boolean') return value;
  if (anyField.test(name) || depth > deepest) return redacted;
  if (typeof value === 'string') return redactText(value);
  if (Array.isArray(value)) return value.map((item) => redactValue(item, name, depth + 1));
  if (typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [redactText(key), redactValue(inner, key, depth + 1)]),
  );
}

/** One line of a log without secrets: JSON by its fields, other lines as text. */
export function redactLine(line: string): string {
  const fields = parseFields(line);
  return fields === undefined ? redactText(line) : JSON.stringify(redactValue(fields));
}

/** The fields of a line that is a JSON object. */
export function parseFields(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    // A line that was cut off, or of a program that writes no JSON.
    return undefined;
  }
}
