import { once } from 'node:events';
import { Command, CommanderError } from 'commander';
import { ConfigurationError, loadConfiguration } from '../configuration/load.ts';
import { serve } from '../serve.ts';

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
  return program;
}

async function run(file: string, output: Output): Promise<void> {
  const configuration = await loadConfiguration(file);
  const running = await serve(configuration);
  output.print(`The control plane answers at ${configuration.publicUrl}`);
  if (running.firstAdministrator !== undefined) {
    const { userName, password } = running.firstAdministrator;
    output.print(
      `Sign in as "${userName}" with the password ${password} – it is shown only now and must be changed`,
    );
  }
  await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')]);
  await running.stop();
}
