import {
  type Enrolment,
  enrolmentAnswerSchema,
  enrolmentSchema,
  renewalAnswerSchema,
  renewalSchema,
} from '@culvert/contracts';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { agentOf } from '../agent-listener/agent.ts';
import type { AgentContext } from '../agent-listener/application.ts';
import { enrol } from './enrol.ts';
import { leave } from './leave.ts';
import { renew } from './renew.ts';

/** Certificates that one agent may ask for in an hour: each is an entry in the audit log. */
const renewals = { max: 20, timeWindow: 3_600_000 };

/** How agents get their certificates, and how a server goes. */
export function registerEnrolment(application: FastifyInstance, context: AgentContext): void {
  application.post<{ Body: Enrolment }>(
    '/agent/v1/enrol',
    {
      config: { from: 'stranger' },
      schema: { body: enrolmentSchema, response: { 201: enrolmentAnswerSchema } },
    },
    async (request, reply) => reply.status(201).send(await enrol(context, request)),
  );
  application.post<{ Body: z.output<typeof renewalSchema> }>(
    '/agent/v1/renew',
    {
      config: {
        from: 'agent',
        rateLimit: { ...renewals, keyGenerator: (asked: FastifyRequest) => agentOf(asked).serverId },
      },
      schema: { body: renewalSchema, response: { 200: renewalAnswerSchema } },
    },
    async (request) => ({
      certificate: await renew(context, agentOf(request), request.body.certificateRequest, request),
    }),
  );
  application.delete('/agent/v1/membership', { config: { from: 'agent' } }, async (request, reply) => {
    await leave(context, agentOf(request), request);
    return reply.status(204).send(null);
  });
}
