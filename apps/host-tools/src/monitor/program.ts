import { Command, InvalidArgumentError, Option } from 'commander';
import { usualPatience } from '../container-host/server.ts';
import { hostLayout } from '../host-layout/host-layout.ts';
import type { Localized } from '../program/language.ts';
import type { Tool, ToolContext } from '../program/tool.ts';
import { type RunOptions, run } from './run.ts';
import { runContainers } from './run-containers.ts';
import { stop } from './stop.ts';

interface GivenOptions extends Omit<RunOptions, 'directory'> {
  directory?: string;
}

/** `mstunnel_monitor`: keeps gateway and agent of this host running, and changes their release. */
export const monitorTool: Tool = {
  name: 'mstunnel_monitor',
  describe(context: ToolContext): Command {
    const { say, keep } = context;
    const program = new Command().description(say(words.program));
    program
      .command('run')
      .description(say(words.run))
      .option('--directory <directory>', say(words.directory))
      .option('--releases <directory>', say(words.releases))
      .addOption(seconds('--settle-seconds', say(words.settle), usualPatience.settleSeconds, say))
      .addOption(seconds('--agent-seconds', say(words.agent), usualPatience.agentSeconds, say))
      .addOption(seconds('--patience-seconds', say(words.patience), usualPatience.patienceSeconds, say))
      .action((options: GivenOptions, command: Command) => {
        const { directory, ...rest } = options;
        if (directory !== undefined) return keep(run({ ...rest, directory }));
        if (rest.releases !== undefined) command.error('error: --releases needs --directory');
        return keep(runContainers(hostLayout(), rest));
      });
    program
      .command('stop')
      .description(say(words.stop))
      .requiredOption('--directory <directory>', say(words.directory))
      .action((options: { directory: string }) => keep(stop(options)));
    return program;
  },
};

function seconds(flag: string, description: string, usual: number, say: (text: Localized) => string): Option {
  return new Option(`${flag} <seconds>`, description).default(usual).argParser((text) => {
    const value = Number(text);
    if (/^\d+(\.\d+)?$/.test(text) && value <= 3600) return value;
    throw new InvalidArgumentError(say(words.expectedSeconds));
  });
}

const words = {
  program: {
    en: 'Keeps the gateway and the agent of this host running, and changes their release',
    ja: 'このホストのゲートウェイとエージェントを常に実行し、リリースを切り替えます',
  },
  run: {
    en: 'run in the foreground: the containers of this server, or with --directory processes of this host',
    ja: 'フォアグラウンドで実行します。このサーバーのコンテナーを対象とし、--directory を指定した場合はホストのプロセスを対象とします',
  },
  directory: {
    en: 'directory of a server without containers, with its gateway.json',
    ja: 'コンテナーを使わないサーバーのディレクトリ (gateway.json がある場所)',
  },
  releases: {
    en: 'where releases are; without it, this repository is the only one',
    ja: 'リリースの場所 (指定がなければ、このリポジトリだけがリリースです)',
  },
  settle: {
    en: 'how long a gateway must be well in an upgrade',
    ja: 'アップグレード時に、ゲートウェイの正常な状態が続くことを確認する秒数',
  },
  agent: {
    en: 'how long an agent has for its first check-in in an upgrade',
    ja: 'アップグレード時に、エージェントの最初のチェックインを待つ秒数',
  },
  patience: {
    en: 'how long a gateway may serve nobody, or a container stay unhealthy',
    ja: 'ゲートウェイが応答しない状態、またはコンテナーが異常な状態を許容する秒数',
  },
  stop: {
    en: 'end what a monitor of processes that was killed has left running',
    ja: '強制終了されたモニターが残したプロセスを終了します',
  },
  expectedSeconds: { en: 'expected seconds, 3600 at most', ja: '3600 以下の秒数を指定してください' },
} satisfies Record<string, Localized>;
