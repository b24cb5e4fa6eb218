import type { TLSSocket } from 'node:tls';
import { type AgentConnection, agentConnectionSchema, endpointsSchema } from '@culvert/contracts';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { fingerprintOf } from '../agent-authority/authority.ts';
import { requireAgent } from '../agent-listener/agent.ts';
import type { AgentContext } from '../agent-listener/application.ts';
import { peerOf } from '../agent-listener/peer.ts';
import { AgentRefusal } from '../agent-listener/refusal.ts';
import type { Context } from '../context.ts';
import { ownBase } from '../graph/entity-set.ts';
import { readPermission } from '../graph/scope.ts';
import { hasPermission } from '../permissions/caller.ts';
import { listEndpoints } from './list.ts';

/** Where servers must get through to, for readiness checks before anything is installed. */
export function registerEndpoints(application: FastifyInstance, context: Context): void {
  application.get(
    `${ownBase}/endpoints`,
    {
      config: { access: 'public' },
      schema: {
        summary:
          'Hosts and ports that servers connect to; callers who may read the tunnel gateway also see the hosts of webhooks',
        tags: ['endpoints'],
        response: { 200: endpointsSchema },
      },
    },
    async (request) => {
      const caller = await context.authenticate(request);
      const withWebhooks = caller !== undefined && hasPermission(caller, readPermission);
      return { value: await listEndpoints(context, { withWebhooks }) };
    },
  );
}

/** The same for agents, and what their listener has seen of a connection. Neither changes anything. */
export function registerAgentEndpoints(application: FastifyInstance, context: AgentContext): void {
  application.get(
    '/agent/v1/endpoints',
    { config: { from: 'stranger' }, schema: { response: { 200: endpointsSchema } } },
    async () => ({ value: await listEndpoints(context, { withWebhooks: false }) }),
  );
  application.get(
    '/agent/v1/connection',
    { config: { from: 'stranger' }, schema: { response: { 200: agentConnectionSchema } } },
    (request) => describeConnection(context, request),
  );
}

async function describeConnection(context: AgentContext, { raw }: FastifyRequest): Promise<AgentConnection> {
  const socket = raw.socket as TLSSocket;
  const peer = peerOf(socket, context.authority);
  if (peer.kind === 'none') return { certificate: 'none', fingerprint: null, reason: null };
  const shown = socket.getPeerX509Certificate();
  const fingerprint = shown === undefined ? null : fingerprintOf(shown.raw);
  if (peer.kind === 'foreign') return { certificate: 'foreign', fingerprint, reason: null };
  try {
    await requireAgent(context.database.tables, peer, context.now());
    return { certificate: 'inForce', fingerprint, reason: null };
  } catch (error) {
    if (!(error instanceof AgentRefusal)) throw error;
    return { certificate: 'refused', fingerprint, reason: error.message };
  }
}
