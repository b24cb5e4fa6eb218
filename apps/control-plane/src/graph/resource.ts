import type { Finding } from '@culvert/contracts';
import type { Kysely } from 'kysely';
import type { z } from 'zod';
import type { Context } from '../context.ts';
import type { Tables } from '../database/tables.ts';
import type { Caller } from '../permissions/caller.ts';
import type { Permission } from '../permissions/permissions.ts';
import type { GraphObject } from './conversion.ts';
import type { EntitySet } from './entity-set.ts';
import type { BodyNotes } from './schemas.ts';
import type { StoredRow } from './tables.ts';

/** What a change works with. */
export interface Change {
  context: Context;
  /** The transaction. */
  tables: Kysely<Tables>;
  caller: Caller;
}

/** A kind of object that callers create, change and delete. */
export interface Resource {
  set: EntitySet;
  /** Which permission each way of use needs. */
  access: ResourceAccess;
  /** True when the objects carry scope tags. */
  isScoped: boolean;
  /** As people call it, such as "site". */
  title: string;
  /** The whole object as it is written; everything that it refuses is told at once. */
  schema: z.ZodType<GraphObject>;
  /** Properties that callers may send back as they read them; they change nothing. */
  readOnly: readonly string[];
  /** For the document: a body that is right, and JSON Schema of what `split` takes out of a body. */
  documentation?: Pick<BodyNotes, 'example' | 'further'>;
  /** Takes what is no property of the object, such as references, out of a body. */
  split?: (body: GraphObject) => { properties: GraphObject; references: GraphObject };
  /**
   * Columns besides those of the properties, or what is wrong with the references. `present` is absent for a new object;
   * `written` is the whole object as it will be, and absent while the schema refuses it.
   */
  columns?: (
    change: Change,
    references: GraphObject,
    present: StoredRow | undefined,
    written: GraphObject | undefined,
  ) => Promise<{ ok: true; value: StoredColumns } | { ok: false; problems: readonly Finding[] }>;
  /** Properties that are computed when objects are shown; called once for all objects of an answer. */
  derive?: (now: Date) => (shown: GraphObject) => GraphObject;
  /** The identifier of a new object; a UUID of our own where it is absent. */
  nextId?: (change: Change) => Promise<string>;
  warnings: (written: GraphObject) => Finding[];
  /** Throws an ApiError that names what still needs the object. */
  requireUnused: (change: Change, present: StoredRow) => Promise<void>;
  /** Adds what $expand asks for to the objects of these rows. */
  expand?: (
    context: Context,
    caller: Caller,
    names: readonly string[],
    rows: readonly StoredRow[],
  ) => Promise<Map<string, GraphObject>>;
}

/** The permissions for an object. */
export interface ResourceAccess {
  read: Permission;
  create: Permission;
  update: Permission;
  delete: Permission;
}

export type StoredColumns = Record<string, string | number | null>;
