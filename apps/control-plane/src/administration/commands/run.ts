import { once } from 'node:events';
import { loadConfiguration } from '../../configuration/load.ts';
import { serve } from '../../serve.ts';
import type { Output } from '../output.ts';

/** `run`: serves until it is told to stop. */
export async function run(file: string, output: Output): Promise<void> {
  const configuration = await loadConfiguration(file);
  const running = await serve(configuration);
  output.print(`The control plane answers at ${configuration.publicUrl}`);
  await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')]);
  await running.stop();
}
