import { join } from 'node:path';
import { Command, CommanderError, Option } from 'commander';
import { hostPaths } from '../host-paths.ts';
import { joinCommand } from './commands/join.ts';
import { leave } from './commands/leave.ts';
import { prepare } from './commands/prepare.ts';
import { run } from './commands/run.ts';
import { status } from './commands/status.ts';
import type { Terminal } from './terminal.ts';

/** Where `npm start` keeps what it makes. */
const defaultDirectory = join(import.meta.dirname, '../../../../state');

export const exitStatus = { good: 0, failed: 1, wrongUse: 2 };

/** Runs one command line; resolves to the exit status. */
export async function runProgram(
  parameters: string[],
  terminal: Terminal,
  environment: NodeJS.ProcessEnv,
): Promise<number> {
  let result = exitStatus.good;
  const keep = async (outcome: Promise<number>) => {
    result = await outcome;
  };
  try {
    await describeProgram(terminal, environment, keep).parseAsync(parameters, { from: 'user' });
    return result;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitStatus.good : exitStatus.wrongUse;
    terminal.complain(error instanceof Error ? error.message : String(error));
    return exitStatus.failed;
  }
}

function describeProgram(
  terminal: Terminal,
  environment: NodeJS.ProcessEnv,
  keep: (outcome: Promise<number>) => Promise<void>,
): Command {
  const directory = () =>
    new Option('--directory <directory>', 'directory of the server, with its gateway.json').default(
      defaultDirectory,
      'state',
    );
  const program = new Command('agent')
    .description('Joins this server to a control plane, and keeps its gateway as its site wants it')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.print(text.trimEnd()),
      writeErr: (text) => terminal.complain(text.trimEnd()),
    });
  program
    .command('run', { isDefault: true })
    .description('run the agent in the foreground (the default command)')
    .addOption(directory())
    .action((options) => keep(run(hostPaths(options.directory, environment), environment)));
  program
    .command('join')
    .description('join a control plane, with a join token or with the sign-in of an administrator')
    .addOption(directory())
    .option('--join-token <text>', 'the join token, or - to read it from standard input')
    .option('--join-token-file <file>', 'a file with the join token')
    .option('--control-plane <url>', 'address of the control plane: sign in as an administrator')
    .option('--authority-file <file>', 'PEM of the authority of that address, where it is no public one')
    .option(
      '--access-token <text>',
      'of an administrator who has signed in already, or - to read it from standard input',
    )
    .option('--site <id>', 'the site to join')
    .option('--server <id>', 'the server to join again as')
    .option('--again', 'join again, though this server has joined or its files are damaged')
    .action((options, command: Command) => {
      const ways = [options.joinToken, options.joinTokenFile, options.controlPlane];
      if (ways.filter((way) => way !== undefined).length !== 1)
        command.error('error: one of --join-token, --join-token-file and --control-plane is needed');
      if (options.site !== undefined && options.server !== undefined)
        command.error('error: either --site or --server');
      if (options.accessToken !== undefined && options.controlPlane === undefined)
        command.error('error: --access-token needs --control-plane');
      return keep(joinCommand(hostPaths(options.directory), options, terminal, environment));
    });
  program
    .command('prepare')
    .description('write the file of the gateway with the configuration of the site, where there is none yet')
    .addOption(directory())
    .action((options) => keep(prepare(hostPaths(options.directory), terminal, environment)));
  program
    .command('leave')
    .description(
      'remove the record of this server from the control plane, and its certificate from this host',
    )
    .addOption(directory())
    .action((options) => keep(leave(hostPaths(options.directory), terminal, environment)));
  program
    .command('status')
    .description('tell how the running agent is')
    .addOption(directory())
    .option('--json', 'print JSON for programs')
    .action((options) => keep(status(hostPaths(options.directory), options, terminal)));
  return program;
}
