export type JsonResult =
  | { ok: true; value: unknown }
  | { ok: false; line: number; column: number; message: string };

/** Reads JSON text; a syntax error is told with its line and column, both counted from 1. */
export function readJson(text: string): JsonResult {
  // A byte order mark is what Windows editors leave; JSON.parse refuses it without saying why.
  const body = text.startsWith('\uFEFF') ? text.slice(1) : text;
  try {
    return { ok: true, value: JSON.parse(body) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const offset = errorOffset(message, body);
    const before = body.slice(0, offset).split('\n');
    const line = before.length;
    const column = (before.at(-1)?.length ?? 0) + 1;
    return { ok: false, line, column, message: explain(message, body, offset) };
  }
}

function errorOffset(message: string, body: string): number {
  const position = /at position (\d+)/.exec(message)?.[1];
  if (position !== undefined) return Math.min(Number(position), body.trimEnd().length);
  // V8 tells no position for a text that ends too early, and for the first character.
  return /end of JSON/.test(message) ? body.trimEnd().length : body.length - body.trimStart().length;
}

function explain(message: string, body: string, offset: number): string {
  if (body.trim() === '') return 'the file is empty';
  const rest = body.slice(offset);
  const before = body.slice(0, offset).trimEnd();
  if (/^(\/\/|\/\*|#)/.test(rest)) return 'comments are not part of JSON';
  if (/^[\]}]/.test(rest) && before.endsWith(',')) return 'a comma before the closing bracket is not allowed';
  if (rest.startsWith("'")) return 'text must stand between double quotation marks';
  if (rest.trim() === '' || /Unterminated/.test(message))
    return 'the text ends too early: a bracket or quotation mark is not closed';
  return message.replace(/ (in JSON )?at position \d+.*$/s, '').replace(/, (\.{3})?".*$/s, '');
}
