import { formatJoinToken } from '@culvert/contracts';
import { agentAuthority } from '../../../apps/control-plane/src/agent-authority/authority.ts';
import {
  type AgentListener,
  startAgentListener,
} from '../../../apps/control-plane/src/agent-listener/listener.ts';
import { migrateToLatest } from '../../../apps/control-plane/src/database/migrate.ts';
import { openDatabase } from '../../../apps/control-plane/src/database/open.ts';
import { createJoinToken } from '../../../apps/control-plane/src/join-tokens/store.ts';
import { registerRoutes } from '../../../apps/control-plane/src/routes.ts';
import { TestContext, testApplication } from '../../../apps/control-plane/src/testing/application.ts';
import { emptyDatabase } from '../../../apps/control-plane/src/testing/databases.ts';
import {
  configurationExample,
  GraphCaller,
  siteExample,
} from '../../../apps/control-plane/src/testing/graph.ts';

/** The real listener of agents, on a port of loopback, with a site. */
export interface ControlPlaneOfTests {
  context: TestContext;
  graph: GraphCaller;
  readonly url: string;
  siteId: string;
  configurationId: string;
  /** Text of a join token for a server that is not known yet, or for one that joins again. */
  joinToken(serverId?: string): Promise<string>;
  /** Changes the port of the gateways of the site. */
  listenPort(port: number): Promise<void>;
  /** Ends the listener, and begins it again at the same port. */
  away(): Promise<void>;
  back(): Promise<void>;
  stop(): Promise<void>;
}

export async function startControlPlaneOfTests(): Promise<ControlPlaneOfTests> {
  const place = await emptyDatabase('sqlite');
  const database = openDatabase(place.url);
  await migrateToLatest(database);
  const context = new TestContext(database);
  // Both sides of TLS look at the certificates, and the agent has the clock of this machine.
  context.pass(Date.now() - context.now().getTime());
  const { agents } = context.configuration;
  Object.assign(agents, { listen: { address: '127.0.0.1', port: 0 }, url: 'https://localhost' });
  const application = await testApplication(context, registerRoutes);
  let listener: AgentListener | undefined = await startAgentListener(context);
  const { port } = listener;
  Object.assign(agents, { listen: { address: '127.0.0.1', port }, url: `https://localhost:${port}` });
  const graph = new GraphCaller(application);
  const configuration = await graph.post('microsoftTunnelConfigurations', configurationExample);
  const site = await graph.post('microsoftTunnelSites', siteExample(configuration.body.id));
  const { fingerprint } = await agentAuthority(context);
  return {
    context,
    graph,
    url: `https://localhost:${port}`,
    siteId: site.body.id,
    configurationId: configuration.body.id,
    joinToken: async (serverId) => {
      const wish = { siteId: site.body.id, serverId, createdBy: 'test', lifetime: 3_600_000 };
      const { secret } = await createJoinToken(database.tables, wish, context.now());
      return formatJoinToken({ url: `https://localhost:${port}`, fingerprint, secret });
    },
    listenPort: async (port) => {
      await graph.patch(`microsoftTunnelConfigurations/${configuration.body.id}`, { listenPort: port });
    },
    away: async () => {
      await listener?.stop();
      listener = undefined;
    },
    back: async () => {
      listener = await startAgentListener(context);
    },
    stop: async () => {
      await listener?.stop();
      await application.close();
      await database.close();
      await place.remove();
    },
  };
}
