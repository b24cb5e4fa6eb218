/** A piece of a $filter text; `at` counts characters from 1, as people do. */
export type Token =
  | { kind: 'word'; text: string; at: number }
  | { kind: 'string'; text: string; at: number }
  | { kind: 'number'; text: string; at: number }
  | { kind: 'dateTime'; text: string; at: number }
  | { kind: 'timeOfDay'; text: string; at: number }
  | { kind: 'symbol'; text: string; at: number }
  | { kind: 'end'; text: ''; at: number };

const patterns: { kind: Exclude<Token['kind'], 'end'>; pattern: RegExp }[] = [
  { kind: 'string', pattern: /'((?:[^'\0]|'')*)'/y },
  {
    kind: 'dateTime',
    pattern: /\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,7})?)?(?:Z|[+-]\d{2}:\d{2})/y,
  },
  { kind: 'timeOfDay', pattern: /\d{2}:\d{2}(?::\d{2}(?:\.\d{1,7})?)?(?![\w.:-])/y },
  { kind: 'number', pattern: /-?\d{1,19}(?![\w.:-])/y },
  { kind: 'word', pattern: /[A-Za-z_][A-Za-z0-9_]{0,99}/y },
  { kind: 'symbol', pattern: /[(),:/]/y },
];

/** Why a text is not a filter, and where. */
export class FilterError extends Error {
  constructor(message: string, at: number) {
    super(`${message} (at character ${at})`);
  }
}

/** Cuts a filter into tokens; the last one is `end`. Throws a FilterError at what no token begins with. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let place = 0;
  for (;;) {
    while (text[place] === ' ' || text[place] === '\t') place += 1;
    const at = place + 1;
    if (place === text.length) return [...tokens, { kind: 'end', text: '', at }];
    const found = match(text, place);
    if (found === undefined) throw new FilterError(unreadable(text, place), at);
    tokens.push({ kind: found.kind, text: found.text, at });
    place = found.end;
  }
}

function match(text: string, place: number) {
  for (const { kind, pattern } of patterns) {
    pattern.lastIndex = place;
    const [whole, quoted] = pattern.exec(text) ?? [];
    if (whole === undefined) continue;
    const value = kind === 'string' ? (quoted ?? '').replaceAll("''", "'") : whole;
    return { kind, text: value, end: place + whole.length };
  }
  return undefined;
}

function unreadable(text: string, place: number): string {
  if (text[place] === "'") return 'a text is not closed; write two quotation marks for one inside of it';
  if (text[place] === '"') return "texts stand between single quotation marks, such as 'Tokyo'";
  return `"${text.slice(place, place + 10)}" cannot be read`;
}
