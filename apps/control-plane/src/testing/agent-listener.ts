import type { FastifyInstance } from 'fastify';
import { agentAuthority } from '../agent-authority/authority.ts';
import { type AgentListener, startAgentListener } from '../agent-listener/listener.ts';
import type { Database } from '../database/open.ts';
import { registerRoutes } from '../routes.ts';
import { TestContext, testApplication } from './application.ts';
import { configurationExample, GraphCaller, siteExample } from './graph.ts';
import { type AgentPlace, TestAgent, type WayIn } from './test-agent.ts';

/** The API and the listener of agents of one control plane, whose clock can be moved on. */
export interface ListenerOfTests {
  context: TestContext;
  application: FastifyInstance;
  /** An administrator. */
  graph: GraphCaller;
  listener: AgentListener;
  place: AgentPlace;
  siteId: string;
  configurationId: string;
  /** An agent that has joined the site. */
  agent(way?: WayIn): Promise<TestAgent>;
  stop(): Promise<void>;
}

/** Starts one over the database, with a site. The callers of the API are those of `TestContext`. */
export async function startListenerOfTests(database: Database): Promise<ListenerOfTests> {
  const context = new TestContext(database);
  // Both sides of TLS look at the certificates, and the other one has the clock of this machine.
  context.pass(Date.now() - context.now().getTime());
  Object.assign(context.configuration.agents.listen, { address: '127.0.0.1', port: 0 });
  const application = await testApplication(context, registerRoutes);
  const listener = await startAgentListener(context);
  const { pem } = await agentAuthority(context);
  const graph = new GraphCaller(application);
  const configuration = await graph.post('microsoftTunnelConfigurations', configurationExample);
  const site = await graph.post('microsoftTunnelSites', siteExample(configuration.body.id));
  const place = {
    port: listener.port,
    authority: pem,
    host: new URL(context.configuration.publicUrl).hostname,
  };
  const agents: TestAgent[] = [];
  return {
    context,
    application,
    graph,
    listener,
    place,
    siteId: site.body.id,
    configurationId: configuration.body.id,
    agent: async (way = { bearer: 'administrator', siteId: site.body.id }) => {
      const agent = await TestAgent.joined(place, way);
      agents.push(agent);
      return agent;
    },
    stop: async () => {
      for (const agent of agents) agent.close();
      await listener.stop();
      await application.close();
    },
  };
}
