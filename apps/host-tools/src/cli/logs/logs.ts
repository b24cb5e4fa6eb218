import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { MonitoredProcess } from '@culvert/contracts';
import { printable } from '@culvert/terminal-text/table.ts';
import type { Command } from 'commander';
import { exitStatus } from '../../program/exit-status.ts';
import { Failure, WrongUse } from '../../program/failure.ts';
import type { AddCommands, CliContext } from '../commands.ts';
import { containerNames } from '../container-names.ts';
import { engineOf } from '../engine.ts';
import { followLog, readLog, timeOfLine } from './log-files.ts';
import { readSince } from './since.ts';

interface LogOptions {
  follow?: true;
  since?: number;
  /** The last lines; 0 for all. */
  tail: number;
  timestamps?: true;
}

/** `mst-cli agent logs` and `mst-cli server logs` */
export const addLogs: AddCommands = ({ agent, server }, context) => {
  add(agent, 'agent', context);
  add(server, 'server', context);
};

function add(group: Command, name: MonitoredProcess, context: CliContext): void {
  const { say } = context;
  group
    .command('logs')
    .description(say({ en: 'print the log', ja: 'ログを表示します' }))
    .option('-f, --follow', say({ en: 'go on until Ctrl-C', ja: '新しい行を表示し続けます (Ctrl-C で終了)' }))
    .option(
      '--since <timestamp>',
      say({
        en: 'lines since this time, or 15m, 1h30m ago',
        ja: 'この日時以降の行 (15m、1h30m のような経過時間も可)',
      }),
      (text) => readSince(text, Date.now()),
    )
    .option(
      '--tail <lines>',
      say({ en: 'only the last lines (0: all)', ja: '末尾の行数 (0: すべて)' }),
      readTail,
      0,
    )
    .option(
      '-t, --timestamps',
      say({ en: 'put the time before each line', ja: '各行の先頭に日時を付けます' }),
    )
    .action((options: LogOptions) => context.keep(showLogs(context, name, options)));
}

function readTail(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new WrongUse({
    en: `--tail: expected a number of lines; found "${text}"`,
    ja: `--tail: 行数を指定してください (指定値: ${text})`,
  });
}

async function showLogs(context: CliContext, name: MonitoredProcess, options: LogOptions): Promise<number> {
  const abort = new AbortController();
  const stop = () => abort.abort();
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  try {
    const place = context.server();
    if (!place.hasContainers) await showFiles(context, containerNames[name], options, abort.signal);
    else await showContainer(context, containerNames[name], options, abort.signal);
  } finally {
    process.removeListener('SIGINT', stop);
    process.removeListener('SIGTERM', stop);
  }
  return exitStatus.good;
}

/** The words of `docker logs` and `podman logs` for the options. */
export function logWords({ follow, since, tail, timestamps }: LogOptions): string[] {
  return [
    ...(follow === true ? ['--follow'] : []),
    ...(since === undefined ? [] : ['--since', new Date(since).toISOString()]),
    ...(tail === 0 ? [] : ['--tail', String(tail)]),
    ...(timestamps === true ? ['--timestamps'] : []),
  ];
}

async function showContainer(
  context: CliContext,
  container: string,
  options: LogOptions,
  signal: AbortSignal,
): Promise<void> {
  const engine = await engineOf(context.server());
  const { state } = await engine.inspect(container);
  if (state === 'missing') {
    throw new Failure({
      en: `There is no container ${container}. Create it with: mst-cli install`,
      ja: `コンテナー ${container} がありません。mst-cli install で作成してください。`,
    });
  }
  const { stdout, stderr, ended } = engine.open(['logs', ...logWords(options), container], signal);
  // Engines give back what a container wrote to standard error there; both are its log.
  await Promise.all([printLines(stdout, context), printLines(stderr, context), ended]);
}

async function printLines(stream: Readable, { terminal }: CliContext): Promise<void> {
  for await (const line of createInterface({ input: stream })) terminal.print(shownLine(line));
}

/** A container may write what steers a terminal; tabs are harmless. */
function shownLine(line: string): string {
  return line.split('\t').map(printable).join('\t');
}

async function showFiles(
  { server, terminal }: CliContext,
  tag: string,
  { follow, since = 0, tail, timestamps }: LogOptions,
  signal: AbortSignal,
): Promise<void> {
  const { logDirectory } = server().layout;
  const print = (line: string) => {
    const time = timeOfLine(line);
    const before = timestamps === true && time !== undefined ? `${new Date(time).toISOString()} ` : '';
    terminal.print(`${before}${shownLine(line)}`);
  };
  const log = await readLog(logDirectory, tag);
  const wanted = log.lines.filter((line) => (timeOfLine(line) ?? since) >= since);
  for (const line of tail === 0 ? wanted : wanted.slice(-tail)) print(line);
  if (follow === true) for await (const line of followLog(logDirectory, tag, log.next, signal)) print(line);
}
