import { once } from 'node:events';
import { loadConfiguration } from '../../configuration/load.ts';
import { serve } from '../../serve.ts';
import type { Output } from '../output.ts';

/** `run`: serves until it is told to stop. */
export async function run(file: string, output: Output): Promise<void> {
  const configuration = await loadConfiguration(file);
  const running = await serve(configuration);
  // Before anybody is told that it runs and may stop it.
  const told = Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')]);
  output.print(`The control plane answers at ${configuration.publicUrl}`);
  await told;
  await running.stop();
}
