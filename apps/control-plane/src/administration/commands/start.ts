import { join, resolve } from 'node:path';
import { loadConfiguration } from '../../configuration/load.ts';
import { type FirstStartChoices, prepareFirstStart } from '../../first-start/prepare.ts';
import { ensureDefaultSite } from '../../local-gateway/default-site.ts';
import { readGatewayFile } from '../../local-gateway/gateway-file.ts';
import { ensureCanJoin } from '../../local-gateway/joining.ts';
import { serve } from '../../serve.ts';
import type { Output } from '../output.ts';
import { announce, untilStopped } from './run.ts';

/** What `npm start`, which runs the monitor beside this process, is told. */
export type StartMessage = 'ready';

/**
 * `control-plane start`: what `npm start` runs. Makes a configuration and the site "Default" at the first start, and a join token
 * for the agent of this host when it has not joined that site.
 */
export async function start(directory: string, choices: FirstStartChoices, output: Output): Promise<void> {
  const place = resolve(directory);
  const { publicAddress, serverConfiguration } = await readGatewayFile(join(place, 'gateway.json'));
  const configurationFile = await prepareFirstStart(place, choices, serverConfiguration.listenPort);
  const configuration = await loadConfiguration(configurationFile);
  const running = await serve(configuration);
  const { context } = running;
  const stopped = untilStopped();
  // First of all, because it may have a password that is shown only now.
  announce(running, configurationFile, output);
  try {
    const membership = join(configuration.stateDirectory, 'local-gateway.json');
    const siteId = await ensureDefaultSite(context, membership, { publicAddress, serverConfiguration });
    await ensureCanJoin(context, { directory: join(place, 'agent'), siteId }).catch((error: Error) => {
      context.logger.error({ reason: error.message }, 'the agent of this host cannot join');
    });
    tell('ready');
    await stopped;
  } finally {
    await running.stop();
    // An open channel would keep this process alive.
    if (process.connected) process.disconnect?.();
  }
}

function tell(message: StartMessage): void {
  if (process.connected) process.send?.(message);
}
