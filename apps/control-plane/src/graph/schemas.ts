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

/** JSON Schema of those options that are no plain text. */
const shapes: Partial<Record<(typeof collectionOptions)[number], Record<string, unknown>>> = {
  $top: { type: 'integer', minimum: 0, maximum: 1_000 },
  $skip: { type: 'integer', minimum: 0, maximum: 1_000_000 },
  $count: { type: 'boolean' },
};

const options = (names: readonly (typeof collectionOptions)[number][]) =>
  z.looseObject(
    Object.fromEntries(
      names.map((name) => [
        name,
        z
          .string()
          .meta({ description: descriptions[name], ...shapes[name] })
          .optional(),
      ]),
    ),
  );

/** Options of a list, as the document shows them; `parseCollectionQuery` judges them. */
export const listQuery = options(collectionOptions);
export const itemQuery = options(itemOptions);

/** What the document tells of a body besides the schema of its object. */
export interface BodyNotes {
  isPartial: boolean;
  /** What callers may send that is no property, such as references: JSON Schema for each name. */
  further?: Readonly<Record<string, unknown>> | undefined;
  example?: Readonly<Record<string, unknown>> | undefined;
}

/** The body of a change. The schema of the object judges it, after it was put together with what is there. */
export function bodySchema(whole: z.ZodType, { isPartial, further, example }: BodyNotes) {
  const { $schema: _, ...shape } = z.toJSONSchema(whole, { io: 'input', unrepresentable: 'any' });
  const required = shape.required ?? [];
  const properties = Object.entries(shape.properties ?? {}).map(([name, property]) => [
    name,
    // null brings the default back.
    required.includes(name) ? property : { anyOf: [property, { type: 'null' }] },
  ]);
  const documented = {
    ...shape,
    properties: { ...Object.fromEntries(properties), ...further },
    // Annotations of OData, as clients send them back.
    patternProperties: { '@': {} },
    required: isPartial ? [] : required,
    ...(example === undefined || isPartial ? {} : { examples: [example] }),
  };
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
  complex: z.record(z.string(), z.unknown()),
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
