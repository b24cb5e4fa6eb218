import { existsSync } from 'node:fs';
import { runProgram } from '../container-engine/run-program.ts';
import type { Logger } from '../monitor/logger.ts';

/** Parts of the kernel that the product needs, and what is there once one is, as a module or built in. */
const needed = [
  { module: 'tun', sign: '/dev/net/tun' },
  { module: 'ip_tables', sign: '/proc/net/ip_tables_names' },
];

/** Loads what is missing. A kernel that has none of it is told of and nothing more: the containers say what they lack. */
export async function loadModules(
  logger: Logger,
  isThere: (path: string) => boolean = existsSync,
): Promise<void> {
  for (const { module, sign } of needed) {
    if (isThere(sign)) continue;
    const outcome = await runProgram(['modprobe', module], { timeoutMilliseconds: 10_000 }).catch(
      (error: Error) => error,
    );
    if (outcome instanceof Error)
      logger.warn({ module, reason: outcome.message }, 'the module cannot be loaded');
    else if (outcome.status === 0) logger.info({ module }, 'the module has been loaded');
    else logger.warn({ module, reason: outcome.stderr.trim().slice(0, 500) }, 'the module cannot be loaded');
  }
}
