import { productVersion } from '@culvert/release/product-version.ts';
import { Argument, Command, CommanderError, Option } from 'commander';
import type { ToolContext } from '../program/tool.ts';
import { commandTree } from './command-tree.ts';
import { completionScript, type Shell, shells } from './completion.ts';
import { manPage } from './man-page.ts';

/**
 * Gives a tool what its packages are made with: `--man-page` prints its manual page in the language of the context, and
 * `--completion SHELL` what a shell reads. `mst-cli` shows people the latter as a command.
 * `others` are the tools that its page refers to.
 */
export function offerManual(program: Command, others: readonly string[], context: ToolContext): void {
  const { language, say, terminal } = context;
  const complete = (shell: Shell) => terminal.print(completionScript(shell, commandTree(program)).trimEnd());
  const shell = new Argument('<shell>', say({ en: 'the shell', ja: 'シェル' })).choices(shells);
  if (program.name() === 'mst-cli') {
    const command = new Command('completion')
      .description(
        say({
          en: 'prints what a shell reads to complete commands: source <(mst-cli completion bash)',
          ja: 'シェルのコマンド補完用スクリプトを出力します: source <(mst-cli completion bash)',
        }),
      )
      .addArgument(shell)
      .action((chosen: Shell) => complete(chosen));
    program.addCommand(command);
  }
  answer(program, new Option('--completion <shell>').choices(shells), (chosen) => complete(chosen as Shell));
  answer(program, new Option('--man-page'), () => {
    const page = manPage(commandTree(program), { language, version: productVersion(), others });
    terminal.print(page.trimEnd());
  });
}

/** A hidden option that is all that is asked for, as `--version` is. */
function answer(program: Command, option: Option, print: (value: string) => void): void {
  program.addOption(option.hideHelp()).on(`option:${option.name()}`, (value: string) => {
    print(value);
    throw new CommanderError(0, 'culvert.answered', '');
  });
}
