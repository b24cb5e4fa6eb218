import type { Literal } from './filter.ts';

/** The place behind the last row of a page: its values of the order, the identifier last. */
export type Cursor = readonly NonNullable<Literal>[];

/** Writes a cursor as opaque text. */
export function formatCursor(cursor: Cursor): string {
  return Buffer.from(JSON.stringify(cursor)).toString('base64url');
}

/** Reads a cursor whose values have these types; undefined for anything that we have not written. */
export function parseCursor(text: string, types: readonly ('string' | 'number')[]): Cursor | undefined {
  if (text.length > 8_000) return undefined;
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    if (!Array.isArray(value) || value.length !== types.length) return undefined;
    return value.every((one, index) => isOf(one, types[index])) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isOf(value: unknown, type: 'string' | 'number' | undefined): boolean {
  if (type === 'number') return Number.isSafeInteger(value) && Math.abs(Number(value)) <= 2 ** 31;
  return typeof value === 'string' && !value.includes('\0') && value.isWellFormed();
}
