/** A place in a JSON document: names of members and indexes of elements, from the outside. */
export type JsonPath = readonly (string | number)[];

interface Span {
  start: number;
  end: number;
}

interface Member extends Span {
  /** Where its name begins. */
  nameStart: number;
  name: string;
}

/**
 * The text of a JSON document (RFC 8259, as JSON.parse has taken it) with another value at a place; everything else stays byte for
 * byte. A member whose object is there is added behind its last one. Undefined when the place is not there.
 */
export function setInJson(text: string, path: JsonPath, value: string): string | undefined {
  let span: Span = valueAt(text, skipSpace(text, 0));
  for (const [index, step] of path.entries()) {
    const inner = typeof step === 'number' ? elements(text, span)[step] : memberOf(text, span, step);
    if (inner !== undefined) span = inner;
    else if (index === path.length - 1 && typeof step === 'string') return addMember(text, span, step, value);
    else return undefined;
  }
  return text.slice(0, span.start) + JSON.stringify(value) + text.slice(span.end);
}

function memberOf(text: string, object: Span, name: string): Span | undefined {
  // Parsers take the last of several members of one name.
  return members(text, object).findLast((member) => member.name === name);
}

function members(text: string, { start }: Span): Member[] {
  if (text[start] !== '{') return [];
  const found: Member[] = [];
  let place = skipSpace(text, start + 1);
  while (text[place] === '"') {
    const name = valueAt(text, place);
    const value = valueAt(text, skipSpace(text, skipSpace(text, name.end) + 1));
    found.push({ ...value, nameStart: place, name: JSON.parse(text.slice(name.start, name.end)) });
    place = skipSpace(text, skipSpace(text, value.end) + 1);
  }
  return found;
}

function elements(text: string, { start }: Span): Span[] {
  if (text[start] !== '[') return [];
  const found: Span[] = [];
  let place = skipSpace(text, start + 1);
  while (place < text.length && text[place] !== ']') {
    const value = valueAt(text, place);
    found.push(value);
    const next = skipSpace(text, value.end);
    if (text[next] !== ',') break;
    place = skipSpace(text, next + 1);
  }
  return found;
}

/** Written like the members that are there: after the same space, on its own line when they are. */
function addMember(text: string, object: Span, name: string, value: string): string | undefined {
  if (text[object.start] !== '{') return undefined;
  const written = `${JSON.stringify(name)}: ${JSON.stringify(value)}`;
  const last = members(text, object).at(-1);
  if (last === undefined) return `${text.slice(0, object.start)}{\n  ${written}\n}${text.slice(object.end)}`;
  const before = text.slice(0, last.nameStart);
  const space = before.slice(before.trimEnd().length);
  return `${text.slice(0, last.end)},${space}${written}${text.slice(last.end)}`;
}

/** Where a value ends that begins here. */
function valueAt(text: string, start: number): Span {
  const opens = text[start];
  if (opens === '"') return { start, end: stringEnd(text, start) };
  if (opens !== '{' && opens !== '[') {
    let end = start;
    while (end < text.length && !/[\s,\]}]/.test(text[end] ?? '')) end += 1;
    return { start, end };
  }
  let depth = 0;
  for (let place = start; place < text.length; place += 1) {
    const letter = text[place];
    if (letter === '"') place = stringEnd(text, place) - 1;
    else if (letter === '{' || letter === '[') depth += 1;
    else if (letter === '}' || letter === ']') depth -= 1;
    if (depth === 0) return { start, end: place + 1 };
  }
  return { start, end: text.length };
}

function stringEnd(text: string, start: number): number {
  let place = start + 1;
  while (place < text.length && text[place] !== '"') place += text[place] === '\\' ? 2 : 1;
  return place + 1;
}

function skipSpace(text: string, start: number): number {
  let place = start;
  while (/[ \t\n\r]/.test(text[place] ?? '')) place += 1;
  return place;
}
