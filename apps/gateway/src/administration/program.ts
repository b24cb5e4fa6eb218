import { join } from 'node:path';
import { Command, CommanderError, Option } from 'commander';
import { CommandFailure } from './client.ts';
import { check } from './commands/check.ts';
import { passwd } from './commands/passwd.ts';
import { prepare } from './commands/prepare.ts';
import { run } from './commands/run.ts';
import { bans, disconnect, reload, sessions, status, unban } from './commands/running.ts';
import type { Terminal } from './terminal.ts';

/** Where `npm start` keeps what it makes. */
const defaultDirectory = join(import.meta.dirname, '../../../../state');
const defaultConfiguration = join(defaultDirectory, 'gateway.json');

export const exitStatus = { good: 0, failed: 1, wrongUse: 2 };

/** Runs one command line; resolves to the exit status. */
export async function runProgram(parameters: string[], terminal: Terminal): Promise<number> {
  let result: number = exitStatus.good;
  const keep = async (outcome: Promise<number>) => {
    result = await outcome;
  };
  const program = describeProgram(terminal, keep);
  try {
    await program.parseAsync(parameters, { from: 'user' });
    return result;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitStatus.good : exitStatus.wrongUse;
    if (!(error instanceof CommandFailure) && !(error instanceof Error)) throw error;
    terminal.complain(error.message);
    return exitStatus.failed;
  }
}

type Keep = (outcome: Promise<number>) => Promise<void>;

function describeProgram(terminal: Terminal, keep: Keep): Command {
  const config = () =>
    new Option('--config <file>', 'configuration file').default(defaultConfiguration, 'state/gateway.json');
  const json = () => new Option('--json', 'print JSON for programs');
  const program = new Command('gateway')
    .description(
      'A VPN gateway for OpenConnect and AnyConnect clients; without a command it runs in the foreground',
    )
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.print(text.trimEnd()),
      writeErr: (text) => terminal.complain(text.trimEnd()),
    });

  program
    .command('run', { isDefault: true })
    .description('run the gateway in the foreground (the default command)')
    .addOption(config())
    .option('--replace-engine', 'end a running engine of another control protocol, with its tunnels')
    .action((options) => keep(run(options.config, options)));
  program
    .command('prepare')
    .description('make what a first start needs, keep what is there, and show it: what npm start does first')
    .option('--directory <directory>', 'where everything is kept', defaultDirectory)
    .option('--public-address <address>', 'name or address that devices connect to (first start)')
    .option('--port <number>', 'port for TCP and UDP (first start)', Number)
    .action(({ directory, publicAddress, port }) =>
      keep(prepare(directory, { publicAddress, port }, terminal)),
    );
  program
    .command('check')
    .description('validate a configuration file and explain what it will do')
    .addOption(config())
    .addOption(json())
    .action((options) => keep(check(options.config, options, terminal)));
  program
    .command('passwd <name>')
    .description('add an account or change its password, which is read from standard input')
    .requiredOption('--file <file>', 'users file')
    .option('--delete', 'delete the account')
    .action((name, options) => keep(passwd(name, options, terminal)));
  program
    .command('status')
    .description('tell how the running gateway is')
    .addOption(config())
    .addOption(json())
    .action((options) => keep(status(options, terminal)));
  program
    .command('sessions')
    .description('list the sessions')
    .addOption(config())
    .addOption(json())
    .action((options) => keep(sessions(options, terminal)));
  program
    .command('disconnect')
    .description('end a session, or all sessions of a user')
    .addOption(config())
    .addOption(new Option('--session <id>', 'the session').conflicts('user'))
    .option('--user <name>', 'all sessions of this user')
    .option('--message <text>', 'what the client shows')
    .action((options, command: Command) => {
      if (options.session === undefined && options.user === undefined) {
        command.error('error: either --session ID or --user NAME is needed');
      }
      return keep(disconnect(options, terminal));
    });
  program
    .command('bans')
    .description('list the addresses that are banned for guessing')
    .addOption(config())
    .addOption(json())
    .action((options) => keep(bans(options, terminal)));
  program
    .command('unban [address]')
    .description('lift the ban of an address')
    .addOption(config())
    .option('--all', 'lift every ban')
    .action((address: string | undefined, options, command: Command) => {
      if ((address === undefined) === (options.all === undefined)) {
        command.error('error: either an address or --all is needed');
      }
      return keep(unban({ ...options, ...(address === undefined ? {} : { address }) }, terminal));
    });
  program
    .command('reload')
    .description('read the configuration file again; a bad one changes nothing')
    .addOption(config())
    .action((options) => keep(reload(options, terminal)));
  return program;
}
