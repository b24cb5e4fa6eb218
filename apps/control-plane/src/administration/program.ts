import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { ConfigurationError } from '../configuration/load.ts';
import { run } from './run.ts';
import { start } from './start.ts';

/** Where `npm start` keeps what it makes. */
const defaultDirectory = join(import.meta.dirname, '../../../../state');

/** Where a command writes. */
export interface Output {
  print(text: string): void;
  complain(text: string): void;
}

export const exitStatus = { good: 0, failed: 1, wrongUse: 2 };

/** Runs one command line; resolves to the exit status. */
export async function runProgram(parameters: string[], output: Output): Promise<number> {
  try {
    await describeProgram(output).parseAsync(parameters, { from: 'user' });
    return exitStatus.good;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitStatus.good : exitStatus.wrongUse;
    if (!(error instanceof Error)) throw error;
    output.complain(error instanceof ConfigurationError ? error.message : `control-plane: ${error.message}`);
    return exitStatus.failed;
  }
}

function describeProgram(output: Output): Command {
  const program = new Command('control-plane')
    .description('The management service of Culvert; without a command it runs in the foreground')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => output.print(text.trimEnd()),
      writeErr: (text) => output.complain(text.trimEnd()),
    });
  program
    .command('run', { isDefault: true })
    .description('run the control plane in the foreground (the default command)')
    .requiredOption('--config <file>', 'configuration file')
    .action(async ({ config }) => run(config, output));
  program
    .command('start')
    .description('make what a first start needs, keep what is there, and run beside the gateway of this host')
    .option('--directory <directory>', 'where everything is kept', defaultDirectory)
    .option('--public-url <url>', 'where browsers and tools reach it (first start)')
    .action(async ({ directory, publicUrl }) => start(directory, { publicUrl }, output));
  return program;
}
