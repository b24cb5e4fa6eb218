import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { authenticator } from './authentication/authenticate.ts';
import { type ListenerCertificate, listenerCertificate } from './certificates/listener-certificate.ts';
import type { ControlPlaneConfiguration } from './configuration/control-plane-configuration.ts';
import type { Context } from './context.ts';
import { openDatabase } from './database/open.ts';
import { prepareDatabaseAt } from './database/prepare.ts';
import { createApplication } from './http/application.ts';
import { Presence } from './periodic-work/presence.ts';
import { PeriodicWork } from './periodic-work/runner.ts';
import { periodicTasks } from './periodic-work/tasks.ts';
import { registerRoutes } from './routes.ts';
import { SecretBox } from './secrets/secret-box.ts';
import { loadSecretsKey } from './secrets/secrets-key.ts';

/** A control plane that answers requests. */
export interface RunningControlPlane {
  readonly context: Context;
  readonly certificate: ListenerCertificate;
  /** Answers what has begun, then lets go of everything. */
  stop(): Promise<void>;
}

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
  try {
    await presence.begin();
    const context: Context = {
      configuration,
      database,
      secrets,
      now,
      logger,
      authenticate: authenticator(database, now),
    };
    const application = await createApplication(context, certificate);
    await registerRoutes(application as unknown as FastifyInstance, context);
    const { address: host, port } = configuration.listen;
    await application.listen({ host, port });
    const work = new PeriodicWork(database, periodicTasks(context), { holder: replica, logger });
    work.start();
    return {
      context,
      certificate,
      stop: async () => {
        await application.close();
        await work.stop();
        await presence.end();
        await database.close();
      },
    };
  } catch (error) {
    await presence.end();
    await database.close();
    throw error;
  }
}
