import type { EntityType, Field } from '../odata/entity-type.ts';
import { etagOf } from '../odata/etag.ts';
import type { StoredRow } from './tables.ts';

/** An object as callers see it. */
export type GraphObject = Record<string, unknown>;

/** What a row shows: every property, or those of $select; Graph always shows the identifier and the entity tag. */
export function present(entity: EntityType, row: StoredRow, select?: readonly string[]): GraphObject {
  // What never changes has no version.
  const tag = row.version === undefined ? {} : { '@odata.etag': etagOf(row.id, row.version) };
  const shown: GraphObject = { ...tag, id: row.id };
  for (const [name, field] of Object.entries(entity.fields)) {
    if (select === undefined || select.includes(name))
      shown[name] = fromColumn(field, row[field.column] ?? null);
  }
  return shown;
}

/** The columns that hold these properties. */
export function columnsOf(
  entity: EntityType,
  properties: GraphObject,
): Record<string, string | number | null> {
  return Object.fromEntries(
    Object.entries(entity.fields)
      .filter(([name]) => Object.hasOwn(properties, name))
      .map(([name, field]) => [field.column, toColumn(field, properties[name])]),
  );
}

function fromColumn({ type }: Field, value: string | number | null): unknown {
  if (value === null) return null;
  if (type === 'boolean') return value === 1;
  return type === 'stringCollection' || type === 'complexCollection' ? JSON.parse(String(value)) : value;
}

function toColumn({ type }: Field, value: unknown): string | number | null {
  if (value === undefined || value === null) return null;
  if (type === 'boolean') return value === true ? 1 : 0;
  if (type === 'stringCollection' || type === 'complexCollection') return JSON.stringify(value);
  return value as string | number;
}
