import { productVersion } from '@culvert/release/product-version.ts';
import { type Command, CommanderError } from 'commander';
import { offerManual } from '../manual/offer-manual.ts';
import { exitStatus, interruptedStatus } from './exit-status.ts';
import { Failure, WrongUse } from './failure.ts';
import { type Language, type Localized, languageOf, languages } from './language.ts';
import { Interrupted, NoAnswer, type Terminal } from './terminal.ts';
import { explainWrongUse, frameWords, translateTitle } from './words.ts';

/** Names that the executable answers to. */
export const toolNames = ['mst-cli', 'mst-readiness', 'mstunnel-setup', 'mstunnel_monitor'] as const;
export type ToolName = (typeof toolNames)[number];

/** What a command of a tool has at hand. */
export interface ToolContext {
  readonly language: Language;
  readonly terminal: Terminal;
  readonly environment: NodeJS.ProcessEnv;
  /** The text in the language of the person. */
  say(text: Localized): string;
  /** Gives the outcome of an action to the tool: the action of each command is `keep(promise of an exit status)`. */
  keep(outcome: Promise<number>): Promise<void>;
}

/** One tool: its name, and its commands in the language of the context. */
export interface Tool {
  readonly name: ToolName;
  describe(context: ToolContext): Command;
}

/** Runs one command line of a tool; resolves to the exit status. Throws only what nobody could foresee. */
export async function runTool(
  tool: Tool,
  parameters: readonly string[],
  terminal: Terminal,
  environment: NodeJS.ProcessEnv,
): Promise<number> {
  const { language, rest, complaint } = chooseLanguage(parameters, environment);
  if (complaint !== undefined) {
    terminal.complain(complaint[language]);
    return exitStatus.wrongUse;
  }
  let status: number = exitStatus.good;
  const context: ToolContext = {
    language,
    terminal,
    environment,
    say: (text) => text[language],
    keep: async (outcome) => {
      status = await outcome;
    },
  };
  try {
    await describeTool(tool, context).parseAsync(rest, { from: 'user' });
    return status;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return exitStatus.good;
      // Help that was shown because no command was named says enough.
      if (error.code !== 'commander.help') terminal.complain(explainWrongUse(error, language));
      return exitStatus.wrongUse;
    }
    return endWith(error, context);
  }
}

/** The commands of a tool with what every tool has. */
export function describeTool(tool: Tool, context: ToolContext): Command {
  const program = tool.describe(context).name(tool.name);
  const { say } = context;
  program
    .version(productVersion(), '-V, --version', say(frameWords.version))
    .option('--lang <language>', say(frameWords.language));
  // The monitor is run by systemd and has no page.
  const others = toolNames.filter((name) => name !== tool.name && name !== 'mstunnel_monitor');
  offerManual(program, others, context);
  dress(program, context);
  return program;
}

function dress(command: Command, context: ToolContext): void {
  const { language, say, terminal } = context;
  command
    .exitOverride()
    .helpOption('-h, --help', say(frameWords.help))
    .configureHelp({ styleTitle: (title) => translateTitle(title, language), helpWidth: terminal.columns })
    .configureOutput({
      writeOut: (text) => terminal.print(text.trimEnd()),
      writeErr: (text) => terminal.complain(text.trimEnd()),
      // Told in the language of the person by runTool.
      outputError: () => {},
    });
  if (command.commands.length > 0) command.helpCommand('help [command]', say(frameWords.help));
  for (const child of command.commands) dress(child, context);
}

function endWith(error: unknown, { terminal, say }: ToolContext): number {
  if (error instanceof Interrupted) {
    terminal.complain(`\n${say(frameWords.interrupted)}`);
    return interruptedStatus;
  }
  if (error instanceof NoAnswer) {
    terminal.complain(say(frameWords.noAnswer));
    return exitStatus.failed;
  }
  if (!(error instanceof Failure)) throw error;
  terminal.complain(say(error.text));
  return error instanceof WrongUse ? exitStatus.wrongUse : exitStatus.failed;
}

/** `--lang` may stand anywhere before `--`; without it the environment says. */
export function chooseLanguage(
  parameters: readonly string[],
  environment: NodeJS.ProcessEnv,
): { language: Language; rest: string[]; complaint?: Localized } {
  const end = parameters.indexOf('--');
  const limit = end < 0 ? parameters.length : end;
  const rest: string[] = [];
  let chosen: string | undefined;
  for (let index = 0; index < parameters.length; index++) {
    const word = parameters[index] ?? '';
    if (index < limit && word === '--lang') {
      index++;
      chosen = index < limit ? (parameters[index] ?? '') : '';
    } else if (index < limit && word.startsWith('--lang=')) chosen = word.slice('--lang='.length);
    else rest.push(word);
  }
  if (chosen === undefined) return { language: languageOf(environment), rest };
  const language = languages.find((known) => known === chosen);
  if (language !== undefined) return { language, rest };
  return { language: languageOf(environment), rest, complaint: frameWords.unknownLanguage };
}
