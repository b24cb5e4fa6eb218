import type { AuditTables } from '../audit/table.ts';

/**
 * Every table of the database, put together from the folders that own them. Columns are text, integer or real only,
 * so that both engines hold and order them alike: times are ISO 8601 text in UTC with milliseconds, truth values are 0
 * and 1, lists and objects are JSON text, identifiers are UUIDs.
 */
export interface Tables extends AuditTables {}
