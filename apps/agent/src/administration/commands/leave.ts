import { Refused } from '@culvert/control-plane-client/failures.ts';
import type { HostPaths } from '../../host-paths.ts';
import { joinWords } from '../../joining/words.ts';
import type { Terminal } from '../terminal.ts';
import { asServer } from './identity.ts';

/** `agent leave`. A record that is gone already is no failure. */
export async function leave(
  paths: HostPaths,
  terminal: Terminal,
  environment: NodeJS.ProcessEnv,
): Promise<number> {
  return asServer(paths, environment, async (controlPlane, { membership }, store) => {
    await controlPlane.leave().catch((error: unknown) => {
      if (!(error instanceof Refused) || error.code !== 'serverDeleted') throw error;
    });
    await store.forget();
    terminal.print(joinWords(environment).left(membership.displayName));
    return 0;
  });
}
