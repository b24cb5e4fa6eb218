import { createLogger } from '@culvert/logging/create-logger.ts';
import { loadModules } from '../container-host/modules.ts';
import {
  containerMonitor,
  makeMonitorDirectories,
  openServer,
  type Patience,
} from '../container-host/server.ts';
import type { HostLayout } from '../host-layout/host-layout.ts';
import { serveMonitor } from './serve-monitor.ts';
import { untilStopped } from './until-stopped.ts';

/** `mstunnel_monitor run` on a server: looks after its containers until it is told to stop, and leaves them running then. */
export async function runContainers(layout: HostLayout, patience: Patience): Promise<number> {
  process.umask(0o077);
  const server = await openServer(layout);
  makeMonitorDirectories(server);
  const logger = createLogger({
    tag: 'mstunnel_monitor',
    directory: layout.monitor.logDirectory,
    output: process.stdout,
    ...(process.env.CULVERT_LOG_LEVEL === undefined ? {} : { level: process.env.CULVERT_LOG_LEVEL }),
  });
  const stopped = untilStopped();
  try {
    const { engine, account } = server;
    logger.info({ engine: engine.name }, 'looking after the containers of this server');
    await loadModules(logger);
    const monitor = await containerMonitor(server, logger, patience);
    process.on('SIGHUP', () => monitor.reload());
    // Before anything is started: another monitor may look after this host.
    const socket = await serveMonitor(layout.monitor.socket, monitor, { groupId: account.groupId });
    try {
      // A start may take minutes; whoever ends the monitor does not wait for it.
      await Promise.race([monitor.start(), stopped]);
      await stopped;
    } finally {
      logger.info('stopping; the containers go on');
      await monitor.stop();
      await socket.close();
    }
    return 0;
  } catch (error) {
    logger.fatal(error instanceof Error ? error.message : String(error));
    return 1;
  }
}
