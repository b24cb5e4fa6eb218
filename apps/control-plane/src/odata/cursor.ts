import type { FieldType } from './entity-type.ts';
import type { Literal } from './filter.ts';

/** The place behind the last row of a page: its values of the order, the identifier last. */
export type Cursor = readonly NonNullable<Literal>[];

/** The least numbers of both widths; where a column is null, they stand in for its value. PostgreSQL refuses what is beyond. */
export const leastNumber = { int32: -(2 ** 31), int64: Number.MIN_SAFE_INTEGER } as const;

/** True for what a column of 32 bits can hold. */
export function isInt32(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= leastNumber.int32 && Number(value) < 2 ** 31;
}

/** Writes a cursor as opaque text. */
export function formatCursor(cursor: Cursor): string {
  return Buffer.from(JSON.stringify(cursor)).toString('base64url');
}

/** Reads a cursor whose values have these types; undefined for anything that we have not written. */
export function parseCursor(text: string, types: readonly FieldType[]): Cursor | undefined {
  if (text.length > 8_000) return undefined;
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    if (!Array.isArray(value) || value.length !== types.length) return undefined;
    return value.every((one, index) => isOf(one, types[index])) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isOf(value: unknown, type: FieldType | undefined): boolean {
  switch (type) {
    case 'int32':
    case 'boolean':
      return isInt32(value);
    case 'int64':
      return Number.isSafeInteger(value);
    default:
      return typeof value === 'string' && !value.includes('\0') && value.isWellFormed();
  }
}
