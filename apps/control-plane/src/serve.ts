import type { AddressInfo } from 'node:net';
import { availableParallelism } from 'node:os';
import { WorkLimit } from '@culvert/passwords/work-limit.ts';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { ensureFirstAdministrator } from './accounts/first-administrator.ts';
import { authenticator } from './authentication/authenticate.ts';
import { type ListenerCertificate, listenerCertificate } from './certificates/listener-certificate.ts';
import type { ControlPlaneConfiguration } from './configuration/control-plane-configuration.ts';
import type { Context } from './context.ts';
import { migrateToLatest } from './database/migrate.ts';
import { openDatabase } from './database/open.ts';
import { ensureHealthThresholds } from './health-thresholds/routes.ts';
import { createApplication } from './http/application.ts';
import { currentKeys } from './openid/keys.ts';
import { ensureBuiltInRoles } from './roles/built-in-roles.ts';
import { registerRoutes } from './routes.ts';
import { SecretBox } from './secrets/secret-box.ts';
import { loadSecretsKey } from './secrets/secrets-key.ts';

/** A control plane that answers requests. */
export interface RunningControlPlane {
  readonly context: Context;
  readonly certificate: ListenerCertificate;
  /** The port of the listener; it was chosen by the system when the configuration says 0. */
  readonly port: number;
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
  const database = openDatabase(configuration.database);
  const concurrent = availableParallelism();
  try {
    await migrateToLatest(database);
    await ensureHealthThresholds({ database });
    await ensureBuiltInRoles(database);
    const context: Context = {
      configuration,
      database,
      secrets,
      now,
      passwordWork: new WorkLimit({ concurrent, waiting: concurrent * waitingForEachCore }),
      logger: pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime }),
      authenticate: authenticator(database, now),
    };
    await currentKeys(context);
    const firstAdministrator = await ensureFirstAdministrator(context);
    const application = await createApplication(context, certificate);
    await registerRoutes(application as unknown as FastifyInstance, context);
    const { address: host, port } = configuration.listen;
    await application.listen({ host, port });
    return {
      context,
      certificate,
      port: (application.server.address() as AddressInfo).port,
      firstAdministrator,
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
