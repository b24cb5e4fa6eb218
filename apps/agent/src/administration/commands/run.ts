import { createLogger } from '@culvert/logging/create-logger.ts';
import { productVersion } from '@culvert/release/product-version.ts';
import { Agent } from '../../agent.ts';
import { createHealthSource } from '../../health/create-health-source.ts';
import type { HostLogs } from '../../host-logs.ts';
import type { HostPaths } from '../../host-paths.ts';
import { IdentityStore } from '../../identity/identity-store.ts';
import { readSettings } from '../../settings.ts';
import { describePlace } from '../../transport/dial.ts';

/** `agent run`: until it is told to stop. Never rejects for what the control plane or the gateway do. */
export async function run(paths: HostPaths, environment: NodeJS.ProcessEnv): Promise<number> {
  process.umask(0o077);
  const level = environment.CULVERT_LOG_LEVEL;
  const logger = createLogger({
    tag: 'mstunnel-agent',
    directory: paths.logDirectory,
    output: process.stdout,
    ...(level === undefined ? {} : { level }),
  });
  try {
    const { proxy } = await readSettings(paths.settingsFile);
    const agent = new Agent({
      paths,
      version: productVersion(),
      logger,
      proxy,
      environment,
      logs: () => noLogs,
      health: createHealthSource({
        stateDirectory: paths.directory,
        adminSocket: paths.adminSocket,
        agentCertificateFile: new IdentityStore(paths.agentDirectory).certificateFile,
        ...(proxy === undefined ? {} : { proxy: `http://${describePlace(proxy)}` }),
      }),
    });
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        logger.info('stopping');
        agent
          .stop()
          .catch((error: unknown) => logger.error({ reason: String(error) }, 'cannot stop cleanly'));
      });
    }
    await agent.run();
    logger.info('stopped');
    return 0;
  } catch (error) {
    logger.fatal(error instanceof Error ? error.message : String(error));
    return 1;
  }
}

const noLogs: HostLogs = {
  areVerbose: false,
  collect: async () => {
    throw new Error('this agent cannot collect logs');
  },
  resume: async () => {},
  checkedIn: async () => {},
  close: async () => {},
};
