import type { TLSSocket } from 'node:tls';
import {
  agentInboundProbeSchema,
  type InboundProbe,
  inboundProbeAnswerSchema,
  inboundProbeSchema,
} from '@culvert/contracts';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { agentActor, requireAgent } from '../agent-listener/agent.ts';
import type { AgentContext } from '../agent-listener/application.ts';
import { peerOf } from '../agent-listener/peer.ts';
import { AgentRefusal } from '../agent-listener/refusal.ts';
import type { Context } from '../context.ts';
import { requireOpenJoinToken } from '../enrolment/admission.ts';
import { ownBase } from '../graph/entity-set.ts';
import { createPermission } from '../graph/scope.ts';
import { callerOf } from '../http/access.ts';
import { ProbeLimit } from './limit.ts';
import { type ProbeCaller, runProbe } from './run-probe.ts';

/** Connects back to a public address, for administrators who may register servers. */
export function registerInboundProbes(application: FastifyInstance, context: Context): void {
  const limit = new ProbeLimit();
  application.post<{ Body: InboundProbe }>(
    `${ownBase}/inboundProbes`,
    {
      config: { access: createPermission, errors: ['TooManyRequests'] },
      schema: {
        summary: 'Connect back to a public address over TCP and UDP, and tell which of the two arrives',
        tags: ['inboundProbes'],
        body: inboundProbeSchema,
        response: { 200: inboundProbeAnswerSchema },
      },
    },
    (request) => {
      const { actor } = callerOf(request);
      const caller = { key: `${actor.kind} ${actor.id ?? actor.name}`, address: request.ip, actor };
      return runProbe(context, limit, caller, request.body);
    },
  );
}

/** The same at the listener of agents: for servers that have joined, or have a join token. */
export function registerAgentInboundProbes(application: FastifyInstance, context: AgentContext): void {
  const limit = new ProbeLimit();
  application.post<{ Body: z.output<typeof agentInboundProbeSchema> }>(
    '/agent/v1/inbound-probes',
    {
      config: { from: 'stranger' },
      schema: { body: agentInboundProbeSchema, response: { 200: inboundProbeAnswerSchema } },
    },
    async (request) => {
      const { joinToken, ...probe } = request.body;
      return runProbe(context, limit, await callerAt(context, request, joinToken), probe);
    },
  );
}

async function callerAt(
  context: AgentContext,
  request: FastifyRequest,
  joinToken: string | undefined,
): Promise<ProbeCaller> {
  const { ip: address, id: requestId } = request;
  if (joinToken !== undefined) {
    const token = await requireOpenJoinToken(context, joinToken);
    const name = `join token ${token.id} of ${token.created_by}`;
    return { key: `joinToken ${token.id}`, address, actor: { kind: 'agent', name, address, requestId } };
  }
  const peer = peerOf(request.raw.socket as TLSSocket, context.authority);
  if (peer.kind === 'none') {
    throw new AgentRefusal(
      'notAllowed',
      'this needs a join token, or the certificate of a server that has joined',
    );
  }
  const agent = await requireAgent(context.database.tables, peer, context.now());
  return { key: `agent ${agent.serverId}`, address, actor: agentActor(agent, request) };
}
