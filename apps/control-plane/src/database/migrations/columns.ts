import { type RawBuilder, sql } from 'kysely';
import type { DatabaseEngine } from '../open.ts';

/** The type of text columns: compared and ordered byte by byte on both engines, whatever the locale. */
export function textColumn(engine: DatabaseEngine): RawBuilder<unknown> {
  return engine === 'postgresql' ? sql`text collate "C"` : sql`text`;
}
