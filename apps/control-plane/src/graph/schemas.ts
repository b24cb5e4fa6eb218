import { z } from 'zod';
import type { EntityType, FieldType } from '../odata/entity-type.ts';
import { collectionOptions, itemOptions } from '../odata/query.ts';

const descriptions: Record<(typeof collectionOptions)[number], string> = {
  $select: 'Properties to show, separated by commas',
  $expand: 'Related objects to show inside of each',
  $filter: "Condition, such as contains(displayName,'Tokyo') and upgradeAutomatically eq true",
  $orderby: 'Properties to order by, such as displayName desc',
  $top: 'Objects on a page: 0 to 1000, by default 100',
  $skip: 'Objects to leave out at the beginning',
  $count: 'true adds @odata.count',
  $skiptoken: 'Part of @odata.nextLink',
};

const options = (names: readonly (typeof collectionOptions)[number][]) =>
  z.looseObject(
    Object.fromEntries(names.map((name) => [name, z.string().optional().describe(descriptions[name])])),
  );

/** Options of a list, as the document shows them; `parseCollectionQuery` judges them. */
export const listQuery = options(collectionOptions);
export const itemQuery = options(itemOptions);

/** The body of a change. The schema of the object judges it, after it was put together with what is there. */
export function bodySchema(whole: z.ZodType, { isPartial }: { isPartial: boolean }) {
  const { $schema: _, required, ...shape } = z.toJSONSchema(whole, { io: 'input', unrepresentable: 'any' });
  const documented = { ...shape, ...(isPartial || required === undefined ? {} : { required }) };
  return z.record(z.string(), z.unknown()).meta(documented as Record<string, unknown>);
}

const typeOf: Record<FieldType, z.ZodType> = {
  string: z.string(),
  boolean: z.boolean(),
  int32: z.int(),
  int64: z.int(),
  dateTimeOffset: z.string(),
  timeOfDay: z.string(),
  enum: z.string(),
  stringCollection: z.array(z.string()),
  complexCollection: z.array(z.record(z.string(), z.unknown())),
};

/** An object as it is shown: with $select, only some of the properties. */
export function objectSchema(entity: EntityType) {
  const properties = Object.entries(entity.fields).map(([name, { type, members, isNullable }]) => {
    const plain = members === undefined ? typeOf[type] : z.enum(members as [string, ...string[]]);
    return [name, (isNullable === true ? plain.nullable() : plain).optional()] as const;
  });
  return z.looseObject({ ...Object.fromEntries(properties), id: z.string() });
}

/** A page of a list. */
export function pageSchema(entity: EntityType) {
  return z.object({
    '@odata.context': z.string().optional(),
    '@odata.count': z.int().optional(),
    '@odata.nextLink': z.string().optional(),
    value: z.array(objectSchema(entity)),
  });
}
