import type { CommandOrder, CommandResult } from '@culvert/contracts';
import type { GatewayClient } from '../gateway/gateway-client.ts';
import type { HostLogs } from '../host-logs.ts';
import type { RememberedCommand } from './remembered-commands.ts';

export type Outcome = Omit<CommandResult, 'id'>;

export interface CommandTools {
  gateway: Pick<GatewayClient, 'disconnect' | 'status'>;
  /** Restarts the server with the desired configuration; the sentence says what came of it. Throws when it is not well. */
  restartServer(): Promise<string>;
  renewCertificate(): Promise<string>;
  logs: Pick<HostLogs, 'collect'>;
}

/** Of a detail, in the document. */
const longestDetail = 1000;

/** Carries out one command. Resolves in any case: what went wrong is the result. */
export async function carryOut(order: CommandOrder, tools: CommandTools): Promise<Outcome> {
  try {
    return await act(order, tools);
  } catch (error) {
    const detail = (error instanceof Error ? error.message : String(error)).slice(0, longestDetail);
    return { outcome: 'failed', detail };
  }
}

async function act(order: CommandOrder, tools: CommandTools): Promise<Outcome> {
  switch (order.kind) {
    case 'restartServer':
      return { outcome: 'done', detail: await tools.restartServer() };
    case 'renewCertificate':
      return { outcome: 'done', detail: await tools.renewCertificate() };
    case 'disconnectSession':
      return disconnected(
        await tools.gateway.disconnect({ session: order.session }, order.message),
        `there is no session ${order.session} on this server any more`,
      );
    case 'disconnectUser':
      return disconnected(
        await tools.gateway.disconnect({ user: order.user }, order.message),
        `${order.user} has no session on this server`,
      );
    case 'collectLogs':
      await tools.logs.collect(order);
      return { outcome: 'done', detail: 'the logs are being collected and sent' };
  }
}

function disconnected(count: number, none: string): Outcome {
  return { outcome: 'done', detail: count === 0 ? none : `${count} ended` };
}

/** What became of a command that an earlier process was killed in. It is not carried out again, but for what may be. */
export async function resume({ order, begunAt }: RememberedCommand, tools: CommandTools): Promise<Outcome> {
  if (order.kind === 'collectLogs') return carryOut(order, tools);
  if (order.kind === 'restartServer') {
    const status = await tools.gateway.status().catch(() => undefined);
    if (status !== undefined && status.startedAt > Date.parse(begunAt) && status.engine.connected)
      return { outcome: 'done', detail: 'the server was restarted; the agent was too, meanwhile' };
  }
  return {
    outcome: 'failed',
    detail:
      'the agent was ended while it carried this out, so it may be done or not: look, and send it again',
  };
}
