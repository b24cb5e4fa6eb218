import fc from 'fast-check';
import type { EntityType } from './entity-type.ts';
import type { Filter, Literal } from './filter.ts';

/** A kind of object with one property of each type. */
export const thing: EntityType = {
  name: 'thing',
  fields: {
    id: { type: 'string', column: 'id', isExact: true },
    name: { type: 'string', column: 'name', isNullable: true },
    size: { type: 'int32', column: 'size', isNullable: true },
    bytes: { type: 'int64', column: 'bytes', isNullable: true },
    isOn: { type: 'boolean', column: 'is_on' },
    state: { type: 'enum', column: 'state', members: ['pending', 'completed'] },
    at: { type: 'dateTimeOffset', column: 'at', isNullable: true },
    tags: { type: 'stringCollection', column: 'tags' },
  },
  navigation: { owner: { isCollection: false } },
};

export interface ThingRow {
  id: string;
  name: string | null;
  size: number | null;
  bytes: number | null;
  is_on: number;
  state: string;
  at: string | null;
  tags: string;
}

const names = ['', 'tokyo', 'Tokyo', 'TOKYO%', 'to_yo', "O'Brien", '東京', 'Ärger', 'a\\b', 'zz'];
const sizes = [-(2 ** 31), -5, 0, 1, 42, 2 ** 31 - 1];
const bytes = [0, 2 ** 31, Number.MAX_SAFE_INTEGER];
const times = ['2026-01-01T00:00:00.000Z', '2026-11-24T09:30:00.500Z'];
const tags = ['0', '1', "it's"];

/** Rows with few values, so that filters hit some of them. */
export const thingRows: fc.Arbitrary<ThingRow[]> = fc
  .array(
    fc.record({
      name: fc.option(fc.constantFrom(...names)),
      size: fc.option(fc.constantFrom(...sizes)),
      bytes: fc.option(fc.constantFrom(...bytes)),
      is_on: fc.constantFrom(0, 1),
      state: fc.constantFrom('pending', 'completed'),
      at: fc.option(fc.constantFrom(...times)),
      tags: fc.subarray(tags).map((list) => JSON.stringify(list)),
    }),
    { minLength: 1, maxLength: 30 },
  )
  .map((rows) => rows.map((row, index) => ({ id: `id-${String(index).padStart(3, '0')}`, ...row })));

const equality = fc.constantFrom('eq' as const, 'ne' as const);
const ordering = fc.constantFrom(...(['eq', 'ne', 'gt', 'ge', 'lt', 'le'] as const));
const comparison = (
  field: string,
  operator: typeof ordering | typeof equality,
  value: fc.Arbitrary<Literal>,
) => fc.record({ kind: fc.constant('comparison' as const), field: fc.constant(field), operator, value });

const leaf: fc.Arbitrary<Filter> = fc.oneof(
  comparison('name', ordering, fc.constantFrom(...names)),
  comparison('name', equality, fc.constant(null)),
  comparison('size', ordering, fc.constantFrom(...sizes)),
  comparison('size', equality, fc.constant(null)),
  comparison('bytes', ordering, fc.constantFrom(...bytes, 9_999_999_999)),
  comparison('isOn', equality, fc.constantFrom(0, 1)),
  comparison('state', ordering, fc.constantFrom('pending', 'completed')),
  comparison('at', ordering, fc.constantFrom(...times)),
  fc.record({
    kind: fc.constant('in' as const),
    field: fc.constant('name'),
    values: fc.array(fc.option(fc.constantFrom(...names)), { minLength: 1, maxLength: 4 }),
  }),
  fc.record({
    kind: fc.constant('text' as const),
    function: fc.constantFrom(...(['contains', 'startswith', 'endswith'] as const)),
    field: fc.constant('name'),
    value: fc.constantFrom(...names, 'o', 'K', '%', '_', '\\'),
  }),
  fc.record({
    kind: fc.constant('any' as const),
    field: fc.constant('tags'),
    value: fc.constantFrom(...tags, 'x'),
  }),
);

/** Filters of every form. */
export const filters: fc.Arbitrary<Filter> = fc.letrec<{ filter: Filter }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    leaf,
    fc.record({
      kind: fc.constantFrom('and' as const, 'or' as const),
      left: tie('filter'),
      right: tie('filter'),
    }),
    fc.record({ kind: fc.constant('not' as const), operand: tie('filter') }),
  ),
})).filter;

/** The filter as a caller would write it. */
export function print(filter: Filter): string {
  const quote = (text: string) => `'${text.replaceAll("'", "''")}'`;
  const literal = (field: string, value: Literal) => {
    if (value === null) return 'null';
    if (field === 'isOn') return String(value === 1);
    return typeof value === 'number' || field === 'at' ? String(value) : quote(value);
  };
  switch (filter.kind) {
    case 'and':
    case 'or':
      return `(${print(filter.left)}) ${filter.kind} (${print(filter.right)})`;
    case 'not':
      return `not (${print(filter.operand)})`;
    case 'comparison':
      return `${filter.field} ${filter.operator} ${literal(filter.field, filter.value)}`;
    case 'in':
      return `${filter.field} in (${filter.values.map((value) => literal(filter.field, value)).join(', ')})`;
    case 'text':
      return `${filter.function}(${filter.field},${quote(filter.value)})`;
    case 'any':
      return `${filter.field}/any(t:t eq ${quote(filter.value)})`;
  }
}

/** What the filter says of a row, told without a database. */
export function holds(filter: Filter, row: ThingRow): boolean {
  switch (filter.kind) {
    case 'and':
      return holds(filter.left, row) && holds(filter.right, row);
    case 'or':
      return holds(filter.left, row) || holds(filter.right, row);
    case 'not':
      return !holds(filter.operand, row);
    case 'comparison':
      return compares(filter.field, filter.operator, filter.value, row);
    case 'in':
      return filter.values.some((value) => compares(filter.field, 'eq', value, row));
    case 'text': {
      const value = valueIn(filter.field, row);
      if (value === null) return false;
      const [text, part] = [lower(String(value)), lower(filter.value)];
      if (filter.function === 'contains') return text.includes(part);
      return filter.function === 'startswith' ? text.startsWith(part) : text.endsWith(part);
    }
    case 'any':
      return JSON.parse(row.tags).includes(filter.value);
  }
}

function compares(field: string, operator: string, wanted: Literal, row: ThingRow): boolean {
  const value = valueIn(field, row);
  const isSame =
    typeof value === 'string' && typeof wanted === 'string' && field === 'name'
      ? lower(value) === lower(wanted)
      : value === wanted;
  if (operator === 'eq') return isSame;
  if (operator === 'ne') return !isSame;
  if (value === null || wanted === null) return false;
  const order =
    typeof value === 'number'
      ? value - Number(wanted)
      : Buffer.compare(Buffer.from(value), Buffer.from(String(wanted)));
  if (operator === 'gt') return order > 0;
  if (operator === 'ge') return order >= 0;
  return operator === 'lt' ? order < 0 : order <= 0;
}

function valueIn(field: string, row: ThingRow): Literal {
  return row[(thing.fields[field]?.column ?? '') as keyof ThingRow];
}

const lower = (text: string) => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
