import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { type RunOptions, run } from './run.ts';
import { stop } from './stop.ts';

const exitStatus = { good: 0, wrongUse: 2 };

/** Runs one command line of the monitor; resolves to the exit status. */
export async function runMonitorProgram(parameters: readonly string[]): Promise<number> {
  let result = exitStatus.good;
  const program = new Command('monitor')
    .description('Keeps the gateway and the agent of this host running, and changes their release')
    .exitOverride();
  program
    .command('run')
    .description('run in the foreground')
    .requiredOption('--directory <directory>', 'directory of the server, with its gateway.json')
    .option('--releases <directory>', 'where releases are; without it, this repository is the only one')
    .option('--settle-seconds <seconds>', 'how long a gateway must be well in an upgrade', seconds, 30)
    .option(
      '--agent-seconds <seconds>',
      'how long an agent has for its first check-in in an upgrade',
      seconds,
      120,
    )
    .option('--patience-seconds <seconds>', 'how long a gateway may serve nobody', seconds, 60)
    .action(async (options: RunOptions) => {
      result = await run(options);
    });
  program
    .command('stop')
    .description('end what a monitor that was killed has left running')
    .requiredOption('--directory <directory>', 'directory of the server')
    .action(async (options: { directory: string }) => {
      result = await stop(options);
    });
  try {
    await program.parseAsync(parameters, { from: 'user' });
    return result;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? exitStatus.good : exitStatus.wrongUse;
  }
}

function seconds(text: string): number {
  const value = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && value <= 3600) return value;
  throw new InvalidArgumentError('expected seconds, 3600 at most');
}
