import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { agentAuthority } from '../agent-authority/authority.ts';
import { issueListenerIdentity } from '../agent-authority/listener-identity.ts';
import { registerAgentRoutes } from '../agent-routes.ts';
import { agentListenerUrl } from '../configuration/control-plane-configuration.ts';
import type { Context } from '../context.ts';
import { listenOn } from '../http/listen.ts';
import { createAgentApplication, tlsOptions } from './application.ts';
import { limitStrangers } from './strangers.ts';

/** Milliseconds between two looks whether the certificate of the listener is due. */
const renewalCheck = 3_600_000;

/** The listener of agents while it runs. */
export interface AgentListener {
  /** It was chosen by the system when the configuration says 0. */
  readonly port: number;
  /** Takes a certificate for the listener when the one in use is due. Connections that are open stay. */
  renewIdentity(): Promise<void>;
  /** Answers held requests and lets go of the port. */
  stop(): Promise<void>;
}

/** Starts the listener of agents. Rejects with a ConfigurationError when its port or address cannot be had. */
export async function startAgentListener(context: Context): Promise<AgentListener> {
  const { configuration, logger, now } = context;
  const authority = await agentAuthority(context);
  const url = agentListenerUrl(configuration);
  let identity = await issueListenerIdentity(authority, url, now());
  const application = await createAgentApplication({ ...context, authority }, identity);
  limitStrangers(application.server as Server, authority);
  await registerAgentRoutes(application as unknown as FastifyInstance, { ...context, authority });
  const { address = configuration.listen.address, port } = configuration.agents.listen;
  await listenOn(application, { host: address, port }, 'agents.listen');

  const renewIdentity = async () => {
    if (now() < identity.renewAt) return;
    identity = await issueListenerIdentity(authority, url, now());
    application.server.setSecureContext(tlsOptions(identity, authority));
  };
  const timer = setInterval(() => {
    renewIdentity().catch((error: unknown) => {
      logger.error({ err: error }, 'the certificate of the agent listener could not be renewed');
    });
  }, renewalCheck).unref();
  return {
    port: (application.server.address() as AddressInfo).port,
    renewIdentity,
    stop: async () => {
      clearInterval(timer);
      await application.close();
    },
  };
}
