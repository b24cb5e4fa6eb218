import { type AgentStatus, agentStatusSchema } from '@culvert/contracts';
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
