import { type AgentStatus, agentStatusSchema } from '@culvert/contracts';
import type { Before } from './host-upgrade.ts';
import { refusalOf, requestSocket } from './socket-request.ts';

const answerMilliseconds = 5_000;

/** The agent of this host, through its socket. Rejects when it does not answer. */
export async function agentStatus(socket: string): Promise<AgentStatus> {
  const answer = await requestSocket(socket, 'GET', '/status', answerMilliseconds);
  if (answer.status !== 200) throw new Error(refusalOf(answer));
  return agentStatusSchema.parse(answer.body);
}

/** True when the agent answers, whatever it says: one of another release may say other things. */
export async function agentAnswers(socket: string): Promise<boolean> {
  return requestSocket(socket, 'GET', '/status', answerMilliseconds).then(
    () => true,
    () => false,
  );
}

/** True when the control plane answered its last check-in. */
export function hasReachedControlPlane({ lastCheckInAt, problem }: AgentStatus): boolean {
  return lastCheckInAt !== undefined && problem === undefined;
}

/** Why an agent that was started at a time is not well; undefined when it is. */
export async function checkInProblem(
  socket: string,
  startedAt: number,
  before: Before,
): Promise<string | undefined> {
  const status = await agentStatus(socket).catch((error: Error) => error);
  if (status instanceof Error) return `the agent does not answer at its socket: ${status.message}`;
  // A control plane that was away before is no reason to go back.
  if (!before.controlPlaneReached) return undefined;
  const { lastCheckInAt, problem } = status;
  if (lastCheckInAt !== undefined && Date.parse(lastCheckInAt) >= startedAt) return undefined;
  return `the agent has not checked in since it was started${problem === undefined ? '' : `: ${problem}`}`;
}
