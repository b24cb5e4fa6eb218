import { redactText } from '@culvert/logging/redaction.ts';
import { printable } from '@culvert/terminal-text/table.ts';
import { exitStatus } from '../../program/exit-status.ts';
import { frameWords } from '../../program/words.ts';
import { hostBelow } from '../../readiness/host/host-root.ts';
import { labelPortCommands, portsToLabelOf } from '../../readiness/host/selinux.ts';
import type { AddCommands, CliContext } from '../commands.ts';
import { printJson } from '../output.ts';
import { planChanges, proxyPlaces, type Reader, readPlace } from './places.ts';
import { readExceptions, readProxyAddress } from './proxy-address.ts';
import { hasSystemd, restartSteps, runStep } from './restart.ts';
import { type Changes, changesFor, noProxy } from './variables.ts';
import { writeChanges } from './write-changes.ts';

interface SetOptions {
  noProxy?: string;
  restart: boolean;
}

/** `mst-cli proxy show|set|clear` */
export const addProxy: AddCommands = ({ program }, context) => {
  const { say } = context;
  const proxy = program.command('proxy').description(
    say({
      en: 'the outbound proxy of this server, in every file that names it',
      ja: 'このサーバーの送信プロキシ (関係するすべてのファイルをまとめて扱います)',
    }),
  );
  proxy
    .command('show')
    .description(say({ en: 'what each file says', ja: '各ファイルの設定を表示します' }))
    .option('--json', say(frameWords.json))
    .action(({ json }: { json?: true }) => context.keep(showProxy(context, json === true)));
  const noRestart = say({
    en: 'only write the files and say what has to be restarted',
    ja: 'ファイルの変更のみを行い、再起動が必要なものを表示します',
  });
  proxy
    .command('set <address>')
    .description(
      say({ en: 'use this proxy, http://HOST:PORT', ja: 'プロキシを設定します (http://ホスト:ポート)' }),
    )
    .option(
      '--no-proxy <list>',
      say({
        en: 'names, addresses and networks that are reached without it, separated by commas',
        ja: 'プロキシを経由しない名前、アドレス、ネットワーク (コンマ区切り)',
      }),
    )
    .option('--no-restart', noRestart)
    .action(
      (address: string, { proxy: exceptions, restart }: { proxy?: string | true; restart: boolean }) => {
        // Commander takes `--no-proxy LIST` for the option `proxy`, whose value is true when it is not given.
        const list = typeof exceptions === 'string' ? readExceptions(exceptions) : undefined;
        return context.keep(change(context, changesFor(readProxyAddress(address), list), restart));
      },
    );
  proxy
    .command('clear')
    .description(say({ en: 'use no proxy any more', ja: 'プロキシの設定を削除します' }))
    .option('--no-restart', noRestart)
    .action(({ restart }: SetOptions) => context.keep(change(context, noProxy, restart)));
};

async function placesOf(context: CliContext) {
  const places = await proxyPlaces('/', context.server().layout.environmentFile);
  return Promise.all(places.map(readPlace));
}

async function showProxy(context: CliContext, json: boolean): Promise<number> {
  const { terminal, say } = context;
  const places = (await placesOf(context)).map(({ path, reader, variables }) => ({
    path,
    reader,
    // An administrator may have written a password by hand.
    variables: Object.fromEntries([...variables].map(([name, value]) => [name, redactText(value)])),
  }));
  if (json) return printJson(places, terminal);
  for (const { path, variables } of places) {
    terminal.print(`${path}:`);
    const lines = Object.entries(variables).map(([name, value]) => `  ${name}=${printable(value)}`);
    terminal.print(lines.length === 0 ? `  ${say({ en: 'no proxy', ja: '設定なし' })}` : lines.join('\n'));
  }
  return exitStatus.good;
}

async function change(context: CliContext, changes: Changes, restart: boolean): Promise<number> {
  const { terminal, say } = context;
  const planned = planChanges(await placesOf(context), changes);
  if (planned.length === 0) {
    terminal.print(say({ en: 'Every file says so already.', ja: 'すべてのファイルは設定済みです。' }));
    return exitStatus.good;
  }
  for (const { path, backup } of await writeChanges(planned, new Date())) {
    const kept = backup === undefined ? '' : say({ en: ` (before: ${backup})`, ja: ` (変更前: ${backup})` });
    terminal.print(say({ en: `Changed ${path}${kept}`, ja: `${path} を変更しました${kept}` }));
  }
  for (const port of await portsToLabelOf(hostBelow('/'), {})) {
    const [relabel, add] = labelPortCommands(port);
    terminal.print(
      say({
        en: `SELinux does not let containers reach the proxy at port ${port} yet. Run: ${relabel.join(' ')} || ${add.join(' ')}`,
        ja: `SELinux により、ポート ${port} のプロキシへの接続が許可されていません。次を実行してください: ${relabel.join(' ')} || ${add.join(' ')}`,
      }),
    );
  }
  return restartReaders(context, new Set(planned.map(({ reader }) => reader)), restart);
}

async function restartReaders(
  { terminal, say }: CliContext,
  readers: ReadonlySet<Reader>,
  restart: boolean,
): Promise<number> {
  const steps = restartSteps(readers);
  if (!restart || !hasSystemd()) {
    if (steps.length > 0) terminal.print(say({ en: 'To be restarted:', ja: '再起動が必要です:' }));
    for (const { words, effect } of steps) terminal.print(`  ${words.join(' ')}  # ${say(effect)}`);
    return exitStatus.good;
  }
  for (const step of steps) {
    terminal.print(`${step.words.join(' ')}  # ${say(step.effect)}`);
    const problem = await runStep(step);
    if (problem === undefined) continue;
    terminal.complain(
      say({
        en: `${step.words.join(' ')} failed: ${printable(problem)}. The files are changed; run it again when the cause is gone.`,
        ja: `${step.words.join(' ')} に失敗しました: ${printable(problem)}。ファイルは変更済みです。原因を取り除いてから、もう一度実行してください。`,
      }),
    );
    return exitStatus.failed;
  }
  return exitStatus.good;
}
