import { agentStatusSchema } from '@culvert/contracts';
import { z } from 'zod';

/** What the agent tells of itself on its host. */
export const localStatusSchema = agentStatusSchema.extend({
  joined: z.boolean(),
  siteId: z.string().optional(),
  /** Address of the listener of agents. */
  controlPlane: z.string().optional(),
  appliedRevision: z.string().optional(),
  /** When the certificate expires. */
  certificateNotAfter: z.iso.datetime().optional(),
});
export type LocalStatus = z.output<typeof localStatusSchema>;
