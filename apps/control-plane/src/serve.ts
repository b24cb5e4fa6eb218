import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { authenticator } from './authentication/authenticate.ts';
import { type ListenerCertificate, listenerCertificate } from './certificates/listener-certificate.ts';
import type { ControlPlaneConfiguration } from './configuration/control-plane-configuration.ts';
import type { Context } from './context.ts';
import { migrateToLatest } from './database/migrate.ts';
import { openDatabase } from './database/open.ts';
import { ensureHealthThresholds } from './health-thresholds/routes.ts';
import { createApplication } from './http/application.ts';
import { ensureBuiltInRoles } from './roles/built-in-roles.ts';
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
  const database = openDatabase(configuration.database);
  try {
    await migrateToLatest(database);
    await ensureHealthThresholds({ database });
    await ensureBuiltInRoles(database);
    const context: Context = {
      configuration,
      database,
      secrets,
      now,
      logger: pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime }),
      authenticate: authenticator(database, now),
    };
    const application = await createApplication(context, certificate);
    await registerRoutes(application as unknown as FastifyInstance, context);
    const { address: host, port } = configuration.listen;
    await application.listen({ host, port });
    return {
      context,
      certificate,
      stop: async () => {
        await application.close();
        await database.close();
      },
    };
  } catch (error) {
    await database.close();
    throw error;
  }
}
