import type { EntityType, Field } from '../odata/entity-type.ts';
import { etagOf } from '../odata/etag.ts';
import type { StoredRow } from './tables.ts';

/** An object as callers see it. */
export type GraphObject = Record<string, unknown>;

/** What a row shows: every property, the identifier first, and the entity tag. */
export function present(entity: EntityType, row: StoredRow): GraphObject {
  return presenter(entity)(row);
}

/** Shows many rows of one kind of object. */
export function presenter(entity: EntityType): (row: StoredRow) => GraphObject {
  const fields = Object.entries(entity.fields).map(([name, field]) => ({ name, field }));
  return (row) => {
    const shown: GraphObject = {};
    // What never changes has no version.
    if (row.version !== undefined) shown['@odata.etag'] = etagOf(row.id, row.version);
    shown.id = row.id;
    for (const { name, field } of fields) {
      const value = row[field.column] ?? null;
      if (value !== null || field.isLeftOut !== true) shown[name] = fromColumn(field, value);
    }
    return shown;
  };
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
  return isJson(type) ? JSON.parse(String(value)) : value;
}

function toColumn({ type }: Field, value: unknown): string | number | null {
  if (value === undefined || value === null) return null;
  if (type === 'boolean') return value === true ? 1 : 0;
  if (isJson(type)) return JSON.stringify(value);
  return value as string | number;
}

function isJson(type: Field['type']): boolean {
  return type === 'stringCollection' || type === 'complex' || type === 'complexCollection';
}
