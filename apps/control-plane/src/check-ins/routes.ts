import type { TLSSocket } from 'node:tls';
import {
  type CheckIn,
  checkInAnswerSchema,
  checkInSchema,
  longestWaitSeconds,
  waitAnswerSchema,
  waitSchema,
} from '@culvert/contracts';
import { WorkLimit } from '@culvert/passwords/work-limit.ts';
import type { FastifyInstance } from 'fastify';
import type { z } from 'zod';
import { agentOf, requireAgent } from '../agent-listener/agent.ts';
import type { AgentContext } from '../agent-listener/application.ts';
import { peerOf } from '../agent-listener/peer.ts';
import { AgentRefusal } from '../agent-listener/refusal.ts';
import { DesiredConfigurations } from '../desired-configuration/desired.ts';
import { cursorsByFingerprint } from './desired-states.ts';
import { receiveCheckIn } from './receive.ts';
import { Watch } from './watch.ts';

/** Check-ins that use the database at the same time: as many as it has connections, and room for people beside them. */
const concurrent = 8;
/** Check-ins that wait for their turn: at 5 ms each the last one waits about half a second. */
const waiting = 100;
/** Seconds after which an agent that found no room tries again; drawn at random, so that they do not come back together. */
const retryAfter = { least: 2, most: 15 };

/** How agents tell what they know and hear what to do. */
export function registerCheckIns(
  application: FastifyInstance,
  context: AgentContext,
  { room = new WorkLimit({ concurrent, waiting }), random = Math.random } = {},
): void {
  const { tables } = context.database;
  const configurations = new DesiredConfigurations(context.logger);
  const watch = new Watch(
    () => cursorsByFingerprint(tables, context.now()),
    (error) => context.logger.warn({ err: error }, 'changes for agents could not be looked for'),
  );
  // Held requests would keep the application from closing.
  application.addHook('preClose', async () => watch.end());

  application.post<{ Body: CheckIn }>(
    '/agent/v1/check-in',
    {
      config: { from: 'agent' },
      schema: { body: checkInSchema, response: { 200: checkInAnswerSchema } },
    },
    async (request) => {
      const answer = await room.run(() => receiveCheckIn(context, configurations, agentOf(request), request));
      if (answer !== 'busy') return answer;
      const { least, most } = retryAfter;
      const seconds = Math.round(least + random() * (most - least));
      throw new AgentRefusal('unavailable', 'too many servers check in at this moment; come again', seconds);
    },
  );
  application.post<{ Body: z.output<typeof waitSchema> }>(
    '/agent/v1/wait',
    {
      config: { from: 'agent' },
      schema: { body: waitSchema, response: { 200: waitAnswerSchema } },
    },
    async (request, reply) => {
      const end = new AbortController();
      const timer = setTimeout(() => end.abort(), longestWaitSeconds * 1_000);
      reply.raw.once('close', () => end.abort());
      const why = await watch.wait(agentOf(request).fingerprint, request.body.cursor, end.signal);
      clearTimeout(timer);
      // It says what has become of the agent.
      if (why === 'gone') {
        await requireAgent(tables, peerOf(request.raw.socket as TLSSocket, context.authority), context.now());
      }
      return { hasChanged: why !== 'unchanged' };
    },
  );
}
