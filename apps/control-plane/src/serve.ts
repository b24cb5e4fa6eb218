import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { availableParallelism } from 'node:os';
import { WorkLimit } from '@culvert/passwords/work-limit.ts';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { ensureFirstAdministrator } from './accounts/first-administrator.ts';
import { startAgentListener } from './agent-listener/listener.ts';
import { authenticator } from './authentication/authenticate.ts';
import { type ListenerCertificate, listenerCertificate } from './certificates/listener-certificate.ts';
import type { ControlPlaneConfiguration } from './configuration/control-plane-configuration.ts';
import { ConfigurationError } from './configuration/load.ts';
import type { Context } from './context.ts';
import { openDatabase } from './database/open.ts';
import { prepareDatabaseAt } from './database/prepare.ts';
import { createApplication } from './http/application.ts';
import { listenOn } from './http/listen.ts';
import { currentKeys } from './openid/keys.ts';
import { Presence } from './periodic-work/presence.ts';
import { PeriodicWork } from './periodic-work/runner.ts';
import { periodicTasks } from './periodic-work/tasks.ts';
import { offerOwnVersion } from './releases/store.ts';
import { registerRoutes } from './routes.ts';
import { SecretBox } from './secrets/secret-box.ts';
import { loadSecretsKey } from './secrets/secrets-key.ts';

/** A control plane that answers requests. */
export interface RunningControlPlane {
  readonly context: Context;
  readonly certificate: ListenerCertificate;
  /** The port of the listener; it was chosen by the system when the configuration says 0. */
  readonly port: number;
  /** The port of the listener of agents, likewise. */
  readonly agentPort: number;
  /** The administrator that this start has made; the password is nowhere else. */
  readonly firstAdministrator: { userName: string; password: string } | undefined;
  /** Answers what has begun, then lets go of everything. */
  stop(): Promise<void>;
}

/** Passwords that may wait for each core: at 20 ms a hash the last one waits about as long as a person does. */
const waitingForEachCore = 64;

/** Starts a control plane in this process. Rejects when it cannot serve; then nothing is left open. */
export async function serve(configuration: ControlPlaneConfiguration): Promise<RunningControlPlane> {
  const now = () => new Date();
  const certificate = await listenerCertificate(configuration, now());
  const secrets = new SecretBox(await loadSecretsKey(configuration, process.env));
  const logger = pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime });
  await prepareDatabaseAt(configuration.database, (message) => logger.warn(message));
  const database = openDatabase(configuration.database);
  const replica = randomUUID();
  const presence = new Presence(database, replica, logger);
  const concurrent = availableParallelism();
  const listeners: { close(): Promise<unknown> }[] = [];
  try {
    await presence.begin();
    const context: Context = {
      configuration,
      database,
      secrets,
      now,
      passwordWork: new WorkLimit({ concurrent, waiting: concurrent * waitingForEachCore }),
      logger,
      authenticate: authenticator(database, now),
    };
    requireSameSecretsKey(await currentKeys(context), secrets);
    await offerOwnVersion(database.tables, now());
    const application = await createApplication(context, certificate);
    await registerRoutes(application as unknown as FastifyInstance, context);
    const { address: host, port } = configuration.listen;
    await listenOn(application, { host, port }, 'listen');
    listeners.push(application);
    const agents = await startAgentListener(context);
    listeners.push({ close: () => agents.stop() });
    // Its password is shown once, so nothing that may fail comes between this and the one who shows it.
    const firstAdministrator = await ensureFirstAdministrator(context);
    const work = new PeriodicWork(database, periodicTasks(context), { holder: replica, logger });
    work.start();
    return {
      context,
      certificate,
      port: (application.server.address() as AddressInfo).port,
      firstAdministrator,
      agentPort: agents.port,
      stop: async () => {
        await Promise.all(listeners.map((listener) => listener.close()));
        await work.stop();
        await presence.end();
        await database.close();
      },
    };
  } catch (error) {
    await Promise.all(listeners.map((listener) => listener.close()));
    await presence.end();
    await database.close();
    throw error;
  }
}

/** Throws when what the database holds was encrypted with another key: nobody could sign in. */
function requireSameSecretsKey(
  { keys }: Awaited<ReturnType<typeof currentKeys>>,
  { keyId }: SecretBox,
): void {
  try {
    keys();
  } catch (cause) {
    throw new ConfigurationError(
      `the secrets in the database were encrypted with another key than the one here (identifier ${keyId}): bring the key of the first start back, as "secretsKeyFile" or as secrets.key in the state directory; replicas on one database need the same key`,
      { cause },
    );
  }
}
