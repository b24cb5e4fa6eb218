import { z } from 'zod';
import { versionSchema } from './desired-state.ts';

/** `GET /status` of `agent.sock`, as other programs of the host read it. An agent may tell more. */
export const agentStatusSchema = z.object({
  version: versionSchema,
  /** Absent while the server has not joined. */
  serverId: z.string().optional(),
  /** When the control plane last answered a check-in of this process; absent when it has not. */
  lastCheckInAt: z.iso.datetime().optional(),
  /** Why the last try failed, with the remedy; absent when it succeeded. */
  problem: z.string().optional(),
});
export type AgentStatus = z.output<typeof agentStatusSchema>;
