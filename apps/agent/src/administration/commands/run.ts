import { hostname } from 'node:os';
import { join } from 'node:path';
import { proxyFor } from '@culvert/control-plane-client/proxy.ts';
import { createLogger } from '@culvert/logging/create-logger.ts';
import { LevelControl } from '@culvert/logging/level-control.ts';
import { productVersion } from '@culvert/release/product-version.ts';
import { Agent } from '../../agent.ts';
import { createHealthSource } from '../../health/create-health-source.ts';
import type { HostPaths } from '../../host-paths.ts';
import { AgentLogs } from '../../logs/agent-logs.ts';
import { readSettings } from '../../settings.ts';

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
    const version = productVersion();
    const logLevel = new LevelControl(logger, join(paths.agentDirectory, 'log-level.json'));
    const agent = new Agent({
      paths,
      version,
      logger,
      proxy,
      environment,
      logs: (target) =>
        new AgentLogs({
          logDirectory: paths.logDirectory,
          agentDirectory: paths.agentDirectory,
          adminSocket: paths.adminSocket,
          target,
          logger,
          logLevel,
          hostName: hostname(),
          versions: () => ({ agent: version }),
        }),
      health: createHealthSource({ paths, proxyFor: (target) => proxyFor(target, proxy, environment) }),
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
