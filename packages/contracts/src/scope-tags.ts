import { z } from 'zod';

/** Scope tags that one object carries. */
export const maximumScopeTags = 100;

/** A list of identifiers of scope tags; Graph numbers its tags. */
export const scopeTagIds = z
  .array(z.string().regex(/^\d{1,9}$/, { error: 'expected the id of a scope tag, such as "0"' }))
  .max(maximumScopeTags);
