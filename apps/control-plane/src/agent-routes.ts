import type { FastifyInstance } from 'fastify';
import type { AgentContext } from './agent-listener/application.ts';
import { registerCheckIns } from './check-ins/routes.ts';
import { registerAgentEndpoints } from './endpoints/routes.ts';
import { registerEnrolment } from './enrolment/routes.ts';
import { registerAgentInboundProbes } from './inbound-probes/routes.ts';
import { registerRecentLogUploads } from './log-collections/recent-log-routes.ts';
import { registerLogUploads } from './log-collections/upload-routes.ts';

/** Every route of the listener of agents. */
export async function registerAgentRoutes(
  application: FastifyInstance,
  context: AgentContext,
): Promise<void> {
  registerEnrolment(application, context);
  registerCheckIns(application, context);
  registerLogUploads(application, context);
  registerRecentLogUploads(application, context);
  registerAgentEndpoints(application, context);
  registerAgentInboundProbes(application, context);
}
