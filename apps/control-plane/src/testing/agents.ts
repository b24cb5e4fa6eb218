import Fastify, { type FastifyInstance } from 'fastify';
import type { Agent } from '../agent-listener/agent.ts';
import { asRefusal } from '../agent-listener/refusal.ts';
import { readJsonBodies } from '../http/json-body.ts';
import { validateRequest } from '../http/validation.ts';

/** Routes of the agent listener without its TLS: the header `x-server` says which server asks. */
export async function testAgentApplication(
  ...routes: ((application: FastifyInstance) => void)[]
): Promise<FastifyInstance> {
  const application = Fastify() as unknown as FastifyInstance;
  readJsonBodies(application);
  application.setValidatorCompiler(validateRequest);
  application.setSerializerCompiler(() => JSON.stringify);
  application.decorateRequest('agent', undefined);
  application.addHook('onRequest', async (request) => {
    request.agent = { serverId: String(request.headers['x-server']) } as Agent;
  });
  application.setErrorHandler(async (error: Error, _request, reply) => {
    const { refusal } = asRefusal(error);
    return reply.status(refusal.status).send({ error: { code: refusal.code, message: refusal.message } });
  });
  for (const register of routes) register(application);
  await application.ready();
  return application;
}
