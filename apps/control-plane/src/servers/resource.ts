import { deploymentModes } from '@culvert/contracts';
import { z } from 'zod';
import type { GraphObject } from '../graph/conversion.ts';
import { servers } from './entity.ts';

/** What may be written of a server; everything else it reports itself. */
export const serverSchema = z.strictObject({
  displayName: z.string().min(1).max(200),
  deploymentMode: z.enum(deploymentModes).default('standaloneRootful'),
});

export const serverTitle = 'server';

/** Properties that callers may send back as they read them; they change nothing. */
export const readOnlyOfServer = Object.keys(servers.entity.fields).filter(
  (name) => name !== 'displayName' && name !== 'deploymentMode',
);

/** Nothing of a server is computed or expanded. */
export const readableServer = { set: servers };

export type ServerInput = z.output<typeof serverSchema> & GraphObject;
