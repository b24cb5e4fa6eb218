import { type MonitorStatus, monitoredProcesses, monitorStatusSchema } from '@culvert/contracts';
import type { HostLayout } from '../host-layout/host-layout.ts';
import { agentStatus } from '../monitor/agent-client.ts';
import { requestSocket } from '../monitor/socket-request.ts';
import type { Localized } from '../program/language.ts';

const answerMilliseconds = 10_000;

/** What keeps a server from being well, in the order in which it comes to be; empty when it is. */
export async function serverTroubles({ monitor, agentSocket }: HostLayout): Promise<Localized[]> {
  const status = await monitorStatus(monitor.socket);
  if (status === undefined) {
    return [{ en: 'the monitor does not answer', ja: 'モニターから応答がありません' }];
  }
  const ofContainers = containerTroubles(status.processes);
  if (ofContainers.length > 0) return ofContainers;
  const agent = await agentStatus(agentSocket).catch(() => undefined);
  if (agent?.problem !== undefined)
    return [{ en: `the agent says: ${agent.problem}`, ja: `エージェントからのメッセージ: ${agent.problem}` }];
  if (agent?.lastCheckInAt === undefined) {
    return [
      {
        en: 'the agent has not checked in at the control plane yet',
        ja: 'エージェントがまだコントロール プレーンにチェックインしていません',
      },
    ];
  }
  return [];
}

const names = {
  server: { en: 'the server', ja: 'サーバー' },
  agent: { en: 'the agent', ja: 'エージェント' },
} as const;

/** What is not well by the word of the monitor. What an administrator has stopped is told too. */
export function containerTroubles(processes: MonitorStatus['processes']): Localized[] {
  return monitoredProcesses.flatMap((name): Localized[] => {
    const { state, health, lastEnding } = processes[name];
    if (state === 'running' && health === 'healthy') return [];
    const now = state === 'running' ? (health ?? 'none') : state;
    const ending = lastEnding === undefined ? '' : `; ${lastEnding}`;
    return [
      {
        en: `${names[name].en} is ${now}${ending} (mst-cli ${name} logs)`,
        ja: `${names[name].ja}の状態: ${now}${ending} (mst-cli ${name} logs)`,
      },
    ];
  });
}

async function monitorStatus(socket: string): Promise<MonitorStatus | undefined> {
  try {
    const { status, body } = await requestSocket(socket, 'GET', '/status', answerMilliseconds);
    return status === 200 ? monitorStatusSchema.parse(body) : undefined;
  } catch {
    // It is being started, or its answer is of another release.
    return undefined;
  }
}
