import type { FastifyRequest } from 'fastify';
import { issueAgentCertificate } from '../agent-authority/agent-certificate.ts';
import { readCertificateRequest } from '../agent-authority/certificate-request.ts';
import { type Agent, agentActor, auditObject, requireAgent } from '../agent-listener/agent.ts';
import type { AgentContext } from '../agent-listener/application.ts';
import { AgentRefusal } from '../agent-listener/refusal.ts';
import { recordAudit } from '../audit/record.ts';
import { lockServer } from '../servers/lock-server.ts';

/** Another certificate for an agent; the one in use stays good until the other was used. Resolves to PEM. */
export async function renew(
  { database, authority, now }: AgentContext,
  agent: Agent,
  certificateRequest: string,
  request: FastifyRequest,
): Promise<string> {
  const key = await readCertificateRequest(certificateRequest);
  if (!key.ok) throw new AgentRefusal('invalid', `certificateRequest: ${key.message}`);
  const at = now();
  return database.tables.transaction().execute(async (tables) => {
    await lockServer({ engine: database.engine, tables }, agent.serverId);
    // It may have been revoked since the request began, and must not get another one then.
    await requireAgent(tables, { kind: 'ours', ...agent }, at);
    // One whose answer got lost is never used; without it an agent that asks again and again leaves nothing behind.
    await tables
      .deleteFrom('agent_certificates')
      .where('server_id', '=', agent.serverId)
      .where('first_used_at', 'is', null)
      .execute();
    const certificate = await issueAgentCertificate(tables, authority, agent.serverId, key.publicKey, at);
    await recordAudit(
      tables,
      {
        actor: agentActor(agent, request),
        action: 'agentCertificate.renew',
        object: auditObject(agent),
        outcome: 'success',
      },
      at,
    );
    return certificate;
  });
}
