import { z } from 'zod';
import { refusalOf, requestSocket } from './socket-request.ts';

/** `GET /status` of `agent.sock`, the part that matters here. */
const statusSchema = z.object({
  /** When the control plane last answered a check-in of this process. */
  lastCheckInAt: z.iso.datetime().optional(),
  /** Why the last check-in failed; absent when it succeeded. */
  problem: z.string().optional(),
});
export type AgentStatus = z.output<typeof statusSchema>;

const answerMilliseconds = 5_000;

/** The agent of this host, through its socket. Rejects when it does not answer. */
export async function agentStatus(socket: string): Promise<AgentStatus> {
  const answer = await requestSocket(socket, 'GET', '/status', answerMilliseconds);
  if (answer.status !== 200) throw new Error(refusalOf(answer));
  return statusSchema.parse(answer.body);
}

/** True when the control plane answered its last check-in. */
export function hasReachedControlPlane({ lastCheckInAt, problem }: AgentStatus): boolean {
  return lastCheckInAt !== undefined && problem === undefined;
}
