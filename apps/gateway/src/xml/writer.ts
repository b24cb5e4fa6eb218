/** XML that is already escaped; plain text cannot be taken for it by mistake. */
export interface Markup {
  readonly markup: string;
}

const special = /[<>&"'\t\n\r]/;
const specials = /[<>&"'\t\n\r]/g;
// XML 1.0 §2.2: these cannot stand in a document, not even as character references.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this removes
const forbidden = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ufffe\uffff]/g;

const replacements: Record<string, string> = {
  '<': '&lt;',
  '>': '&gt;',
  '&': '&amp;',
  '"': '&quot;',
  "'": '&#39;',
  '\t': ' ',
  '\n': ' ',
  '\r': ' ',
};

/** Text as it may stand between tags and in attribute values: one line, no control characters. */
export function escapeXml(text: string): string {
  const clean = text.toWellFormed().replaceAll(forbidden, '');
  return special.test(clean)
    ? clean.replaceAll(specials, (character) => replacements[character] ?? '')
    : clean;
}

type Value = Markup | readonly Markup[] | string | number;

/** Template tag for XML: the literal parts are markup, values are escaped unless they are `Markup` themselves. */
export function xml(literals: TemplateStringsArray, ...values: readonly Value[]): Markup {
  let markup = literals[0] ?? '';
  for (const [index, value] of values.entries()) {
    markup += render(value) + (literals[index + 1] ?? '');
  }
  return { markup };
}

function render(value: Value): string {
  if (typeof value === 'string') return escapeXml(value);
  if (typeof value === 'number') return String(value);
  return 'markup' in value ? value.markup : value.map(({ markup }) => markup).join('');
}

/** A whole document; openconnect takes an answer for XML by these first bytes (protocol.md §1.3). */
export const xmlDocument = (root: Markup): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n${root.markup}\n`;
