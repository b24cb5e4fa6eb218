import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { undoAtExit } from '@culvert/lab/system/cleanup.ts';
import type { OrderToAgents, RecordsOfAgents } from './agents-process.ts';
import type { AgentTask, CheckInRecord } from './simulated-agent.ts';

/** Agents of one process: the generator shares the cores with what it measures, but a busy event loop would falsify the times. */
const agentsOfProcess = 500;

/** The simulated agents of a run, in processes of their own. */
export class Generator {
  readonly #children: readonly ChildProcess[];
  readonly #forget: (() => void)[];

  private constructor(children: readonly ChildProcess[]) {
    this.#children = children;
    this.#forget = children.map((child) => undoAtExit(() => child.kill('SIGKILL')));
  }

  static start(tasks: readonly AgentTask[]): Generator {
    const children: ChildProcess[] = [];
    for (let first = 0; first < tasks.length; first += agentsOfProcess) {
      const child = fork(new URL('agents-process.ts', import.meta.url), { stdio: ['ignore', 2, 2, 'ipc'] });
      tell(child, { kind: 'start', tasks: tasks.slice(first, first + agentsOfProcess) });
      children.push(child);
    }
    return new Generator(children);
  }

  /** What has been recorded since the last time, by its begin. */
  async collect(): Promise<CheckInRecord[]> {
    const answers = await Promise.all(
      this.#children.map(async (child) => {
        if (child.exitCode !== null) throw new Error('a process of simulated agents has ended');
        const answer = once(child, 'message');
        tell(child, { kind: 'collect' });
        const [{ records }] = (await answer) as [RecordsOfAgents];
        return records;
      }),
    );
    return answers.flat().sort((one, other) => one.at - other.at);
  }

  /** Makes all agents connect anew and check in at this moment, the worst that can happen. */
  rush(): void {
    for (const child of this.#children) tell(child, { kind: 'rush' });
  }

  async stop(): Promise<void> {
    await Promise.all(
      this.#children.map(async (child) => {
        if (child.exitCode !== null) return;
        const ended = once(child, 'exit');
        tell(child, { kind: 'stop' });
        await ended;
      }),
    );
    for (const forget of this.#forget) forget();
  }
}

function tell(child: ChildProcess, order: OrderToAgents): void {
  child.send(order);
}
