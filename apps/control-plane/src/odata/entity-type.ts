/** Types of OData that our entities use (OData 4.01, part 3, §4.4). Columns of `int32` are integer, those of `int64` bigint. */
export type FieldType =
  | 'string'
  | 'boolean'
  | 'int32'
  | 'int64'
  | 'dateTimeOffset'
  | 'timeOfDay'
  | 'enum'
  | 'stringCollection'
  | 'complex'
  | 'complexCollection';

export interface Field {
  type: FieldType;
  /** Column of the table; truth values are 0 and 1 there, collections and complex values JSON text. */
  column: string;
  /** Members of an enum. */
  members?: readonly string[];
  /** False keeps it out of $filter and $orderby. */
  isQueryable?: boolean;
  /** True when the column may be null. */
  isNullable?: boolean;
  /** True when the property is left out while the column is null, because Graph's type of it knows no null. */
  isLeftOut?: boolean;
  /** True for identifiers, whose letters are compared as they are. Other texts ignore the case of ASCII letters, as in Graph. */
  isExact?: boolean;
}

export interface Navigation {
  isCollection: boolean;
}

/** A kind of object as callers see it: its properties and what can be expanded. */
export interface EntityType {
  /** Such as `microsoftTunnelSite`. */
  name: string;
  fields: Readonly<Record<string, Field>>;
  navigation: Readonly<Record<string, Navigation>>;
}

/** The field of this name. `constructor` and its like are names that nobody has declared. */
export function fieldOf(entity: EntityType, name: string): Field | undefined {
  return Object.hasOwn(entity.fields, name) ? entity.fields[name] : undefined;
}
