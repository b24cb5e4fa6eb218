/** One of the processes in which simulated agents live. Its parent sends their tasks and asks for what they have recorded. */
import { type AgentTask, type CheckInRecord, SimulatedAgent } from './simulated-agent.ts';

export type OrderToAgents =
  | { kind: 'start'; tasks: AgentTask[] }
  /** All agents connect anew and check in at this moment. */
  | { kind: 'rush' }
  | { kind: 'collect' }
  | { kind: 'stop' };
export interface RecordsOfAgents {
  records: CheckInRecord[];
}

let records: CheckInRecord[] = [];
const agents: SimulatedAgent[] = [];

process.on('message', (order: OrderToAgents) => {
  if (order.kind === 'start') {
    for (const task of order.tasks) start(task);
  } else if (order.kind === 'rush') {
    for (const agent of agents) agent.rush();
  } else if (order.kind === 'collect') {
    process.send?.({ records } satisfies RecordsOfAgents);
    records = [];
  } else {
    for (const agent of agents) agent.stop();
    process.disconnect?.();
  }
});

function start(task: AgentTask): void {
  const agent = new SimulatedAgent(task, (record) => records.push(record));
  agents.push(agent);
  agent.run().catch((error: unknown) => {
    console.error(`simulated agent ${task.index} failed:`, error);
    process.exit(1);
  });
}
