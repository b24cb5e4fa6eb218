import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { ConfigurationError } from '../configuration/load.ts';
import { durationRule, parseDuration } from '../tokens/duration.ts';
import { backup, restore } from './commands/backup.ts';
import { run } from './commands/run.ts';
import { start } from './commands/start.ts';
import { token } from './commands/token.ts';
import type { Output } from './output.ts';

export type { Output } from './output.ts';

/** Where `npm start` keeps what it makes. */
const defaultDirectory = join(import.meta.dirname, '../../../../state');
const defaultConfiguration = join(defaultDirectory, 'control-plane.json');

export const exitStatus = { good: 0, failed: 1, wrongUse: 2 };

/** Runs one command line; resolves to the exit status. */
export async function runProgram(parameters: string[], output: Output): Promise<number> {
  try {
    await describeProgram(output).parseAsync(parameters, { from: 'user' });
    return exitStatus.good;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitStatus.good : exitStatus.wrongUse;
    if (!(error instanceof Error)) throw error;
    output.complain(error instanceof ConfigurationError ? error.message : `control-plane: ${wordsOf(error)}`);
    return exitStatus.failed;
  }
}

/** What happened, and below it why. */
function wordsOf({ message, cause }: Error): string {
  return cause instanceof Error ? `${message}: ${wordsOf(cause)}` : message;
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
    .addOption(config())
    .action(({ config }) => run(config, output));
  program
    .command('start')
    .description('make what a first start needs, keep what is there, and run beside the gateway of this host')
    .option('--directory <directory>', 'where everything is kept', defaultDirectory)
    .option('--public-url <url>', 'where browsers and tools reach it (first start)')
    .action(({ directory, publicUrl }) => start(directory, { publicUrl }, output));
  program
    .command('token')
    .description('make an API token for a script; it is printed once')
    .addOption(config())
    .requiredOption('--name <name>', 'what the token is for', name)
    .requiredOption('--role <role>', 'what it may do: identifier or display name of a role')
    .addOption(
      new Option('--expires <duration>', 'such as 30m, 12h or 90d')
        .argParser(duration)
        .default(duration('24h'), '24h'),
    )
    .option('--scope-tag <id...>', 'reach only objects with one of these scope tags')
    .option('--json', 'print JSON for programs')
    .action((options) => token(options, output));
  program
    .command('backup <file>')
    .description('write everything into one file, while the control plane runs')
    .addOption(config())
    .action((file, { config }) => backup(file, config, output));
  program
    .command('restore <file>')
    .description('replace everything by a backup, while no control plane runs')
    .addOption(config())
    .option('--yes', 'replace what the database holds')
    .action((file, options) => restore(file, options, output));
  return program;
}

function config(): Option {
  const option = new Option('--config <file>', 'configuration file');
  return existsSync(defaultConfiguration)
    ? option.default(defaultConfiguration, 'state/control-plane.json')
    : option.makeOptionMandatory();
}

function name(text: string): string {
  if (text.length >= 1 && text.length <= 200) return text;
  throw new InvalidArgumentError('expected 1 to 200 characters');
}

function duration(text: string): number {
  const milliseconds = parseDuration(text);
  if (milliseconds === undefined) throw new InvalidArgumentError(durationRule);
  return milliseconds;
}
