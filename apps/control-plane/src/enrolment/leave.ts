import type { FastifyRequest } from 'fastify';
import { type Agent, agentActor, auditObject, requireAgent } from '../agent-listener/agent.ts';
import type { AgentContext } from '../agent-listener/application.ts';
import { recordAudit } from '../audit/record.ts';
import { lockServer } from '../servers/lock-server.ts';

/** Removes the record of a server that is being uninstalled; its certificates go with it. */
export async function leave(
  { database, now }: AgentContext,
  agent: Agent,
  request: FastifyRequest,
): Promise<void> {
  const at = now();
  await database.tables.transaction().execute(async (tables) => {
    await lockServer({ engine: database.engine, tables }, agent.serverId);
    // It may have been revoked since the request began, and then others decide about the record.
    await requireAgent(tables, { kind: 'ours', ...agent }, at);
    await tables.deleteFrom('servers').where('id', '=', agent.serverId).execute();
    await recordAudit(
      tables,
      {
        actor: agentActor(agent, request),
        action: 'microsoftTunnelServer.leave',
        object: auditObject(agent),
        outcome: 'success',
        detail: 'the server was uninstalled',
      },
      at,
    );
  });
}
