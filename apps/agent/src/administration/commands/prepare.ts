import { productVersion } from '@culvert/release/product-version.ts';
import { checkInOf } from '../../check-in/gather.ts';
import { createGatewayFile } from '../../configuration/gateway-file.ts';
import { readIfThere } from '../../files/durable-file.ts';
import type { HostPaths } from '../../host-paths.ts';
import { joinWords } from '../../joining/words.ts';
import type { Terminal } from '../terminal.ts';
import { asServer } from './identity.ts';

/**
 * `agent prepare`: what an installation does between joining and the first start of the gateway, so that this begins with the pool and
 * the port of its site.
 */
export async function prepare(
  { gatewayFile, ...paths }: HostPaths,
  terminal: Terminal,
  environment: NodeJS.ProcessEnv,
): Promise<number> {
  const words = joinWords(environment);
  if ((await readIfThere(gatewayFile)) !== undefined) {
    terminal.print(words.kept(gatewayFile));
    return 0;
  }
  const answer = await asServer({ gatewayFile, ...paths }, environment, (controlPlane) =>
    controlPlane.checkIn(
      checkInOf({
        now: new Date(),
        agentVersion: productVersion(),
        gateway: undefined,
        configuration: {},
        upgrade: undefined,
        samples: [],
        reasons: {},
        commandResults: [],
        logsAreVerbose: false,
      }),
    ),
  );
  const { configuration, notUnderstood } = answer;
  if (configuration === undefined) {
    throw new Error(
      notUnderstood.length > 0
        ? 'the control plane is newer than this agent, and has a configuration that this agent does not understand: install the newest release'
        : 'the site of this server has no server configuration: give it one in the admin centre, and run this again',
    );
  }
  await createGatewayFile(gatewayFile, configuration);
  terminal.print(words.prepared(gatewayFile, configuration.publicAddress));
  return 0;
}
