import type { z } from 'zod';

/** Marks what nobody is shown: a refusal does not repeat it, and the document says that it is only written. */
export function secret<Schema extends z.ZodType>(schema: Schema): Schema {
  return schema.meta({ writeOnly: true });
}
