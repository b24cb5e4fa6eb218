import { join, resolve } from 'node:path';
import { loadConfiguration } from '../../configuration/load.ts';
import { type FirstStartChoices, prepareFirstStart } from '../../first-start/prepare.ts';
import { ensureDefaultSite } from '../../local-gateway/default-site.ts';
import { bringUpToDate, followSite } from '../../local-gateway/follow.ts';
import { readGatewayFile } from '../../local-gateway/gateway-file.ts';
import { serve } from '../../serve.ts';
import type { Output } from '../output.ts';
import { announce, untilStopped } from './run.ts';

/** What `npm start`, which runs the gateway beside this process, is told. */
export type StartMessage = 'ready' | 'gatewayFileWritten';

/**
 * `control-plane start`: what `npm start` runs. Makes a configuration and the site "Default" at the first start, and keeps the
 * file of the gateway on this host, `gateway.json` in the same directory, in step with that site.
 */
export async function start(directory: string, choices: FirstStartChoices, output: Output): Promise<void> {
  const place = resolve(directory);
  const gatewayFile = join(place, 'gateway.json');
  const gateway = await readGatewayFile(gatewayFile);
  const { publicAddress, serverConfiguration } = gateway.configuration;
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
    const local = { file: gatewayFile, siteId, onWritten: () => tell('gatewayFileWritten') };
    await bringUpToDate(context, local).catch((error: Error) => {
      context.logger.error({ reason: error.message }, 'the gateway cannot get its configuration');
    });
    const following = followSite(context, local);
    tell('ready');
    await stopped;
    await following.stop();
  } finally {
    await running.stop();
    // An open channel would keep this process alive.
    if (process.connected) process.disconnect?.();
  }
}

function tell(message: StartMessage): void {
  if (process.connected) process.send?.(message);
}
