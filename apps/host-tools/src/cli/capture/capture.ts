import type { FileHandle } from 'node:fs/promises';
import { open, rm } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { formatBytes } from '@culvert/terminal-text/quantities.ts';
import { printable } from '@culvert/terminal-text/table.ts';
import type { OpenProgram } from '../../container-engine/container-engine.ts';
import { openProgram } from '../../container-engine/run-program.ts';
import { exitStatus } from '../../program/exit-status.ts';
import { Failure, WrongUse } from '../../program/failure.ts';
import type { AddCommands, CliContext, ServerPlace } from '../commands.ts';
import { containerNames } from '../container-names.ts';
import { engineOf } from '../engine.ts';
import { Gateway } from '../local-service/gateway.ts';
import { type CaptureLimits, NotPackets, PacketFile } from './packet-file.ts';
import { captureTarget, tcpdumpWords } from './target.ts';

interface CaptureOptions {
  seconds: number;
  packets?: number;
}

/** A file that fits a mail server still, and that Wireshark opens in seconds. */
const mostBytes = 256 << 20;
const usualSeconds = 60;
const mostSeconds = 86_400;
const mostPackets = 100_000_000;
/** What tcpdump says of itself and of a mistake has a few lines. */
const longestComplaint = 4096;

/** `mst-cli server capture` */
export const addCapture: AddCommands = ({ server }, context) => {
  const { say } = context;
  server
    .command('capture <client> <file>')
    .description(
      say({
        en: 'record the packets of a device (address, session or user) or of an interface to a file for Wireshark',
        ja: 'デバイス (アドレス、セッション、ユーザー) またはインターフェイスのパケットを Wireshark 用のファイルに記録します',
      }),
    )
    .option(
      '--seconds <seconds>',
      say({ en: 'how long', ja: '記録する秒数' }),
      (text) => wholeNumber('--seconds', text, mostSeconds),
      usualSeconds,
    )
    .option(
      '--packets <number>',
      say({ en: 'end after so many packets', ja: 'この数のパケットで終了' }),
      (text) => wholeNumber('--packets', text, mostPackets),
    )
    .action((client: string, file: string, options: CaptureOptions) =>
      context.keep(capture(context, client, file, options)),
    );
};

function wholeNumber(option: string, text: string, most: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (value >= 1 && value <= most) return value;
  throw new WrongUse({
    en: `${option}: expected a whole number from 1 to ${most}; found "${text}"`,
    ja: `${option}: 1 から ${most} までの整数を指定してください (指定値: ${text})`,
  });
}

async function capture(
  context: CliContext,
  client: string,
  path: string,
  { seconds, packets = mostPackets }: CaptureOptions,
): Promise<number> {
  const { terminal, say } = context;
  const place = context.server();
  const gateway = new Gateway(place);
  const { tunnel, engine } = await gateway.status();
  const target = captureTarget(client, await gateway.sessions(), tunnel.interface);
  const abort = new AbortController();
  const stop = () => abort.abort();
  const timer = setTimeout(stop, seconds * 1000);
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  const progress = terminal.progress(
    say({
      en: `recording for ${seconds} s; Ctrl-C ends it`,
      ja: `${seconds} 秒間記録します (Ctrl-C で終了)`,
    }),
  );
  let written: PacketFile;
  try {
    // Made first: nothing is recorded that cannot be kept.
    await using file = await createFile(path);
    try {
      const program = await startTcpdump(place, tcpdumpWords(target), engine.processId, abort.signal);
      written = await record(program, file, { packets, bytes: mostBytes }, abort);
    } catch (error) {
      if ((await file.stat()).size === 0) await rm(path, { force: true });
      throw error;
    }
  } finally {
    clearTimeout(timer);
    progress.end();
    process.removeListener('SIGINT', stop);
    process.removeListener('SIGTERM', stop);
  }
  const amount = `${written.packets}`;
  const limit = written.bytes + (1 << 18) > mostBytes ? ` (${formatBytes(mostBytes)})` : '';
  terminal.print(
    say({
      en: `Recorded ${amount} packets (${formatBytes(written.bytes)}) in ${path}.${limit === '' ? '' : ` It ended at the largest size${limit}.`}`,
      ja: `${amount} パケット (${formatBytes(written.bytes)}) を ${path} に記録しました。${limit === '' ? '' : `最大サイズ${limit}に達したため終了しました。`}`,
    }),
  );
  return exitStatus.good;
}

/** A new file for root alone: packets hold what people do. */
async function createFile(path: string): Promise<FileHandle> {
  try {
    // `wx` takes neither a file nor a link that is there.
    return await open(path, 'wx', 0o600);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') {
      throw new Failure({
        en: `${path} is there already and is not overwritten. Name another file.`,
        ja: `${path} は既に存在するため、上書きしません。別のファイル名を指定してください。`,
      });
    }
    throw new Failure(
      { en: `${path} cannot be made: ${message}`, ja: `${path} を作成できません: ${message}` },
      { cause: error },
    );
  }
}

/** Runs tcpdump where the tunnel is. */
async function startTcpdump(
  place: ServerPlace,
  words: readonly string[],
  engineProcess: number | undefined,
  signal: AbortSignal,
): Promise<OpenProgram> {
  if (place.hasContainers) {
    const engine = await engineOf(place);
    const { state, image } = await engine.inspect(containerNames.server);
    if (state !== 'running') {
      throw new Failure({
        en: `The container ${containerNames.server} does not run. Start it with: mst-cli server start`,
        ja: `コンテナー ${containerNames.server} が実行されていません。mst-cli server start で起動してください。`,
      });
    }
    return engine.open(helperWords(image, words), signal);
  }
  if (engineProcess === undefined) {
    throw new Failure({
      en: 'The engine does not run, so there is no tunnel to record. See: mst-cli server show status',
      ja: 'エンジンが実行されていないため、記録できるトンネルがありません。mst-cli server show status で確認してください。',
    });
  }
  return openProgram(['nsenter', `--net=/proc/${engineProcess}/ns/net`, '--', ...words], signal);
}

/**
 * A container of its own with the image of the server and only its network: that one may not read packets itself, and a program that
 * parses what strangers send must not run as root of the host.
 */
export function helperWords(image: string, words: readonly string[]): string[] {
  const [program = '', ...parameters] = words;
  return [
    'run',
    '--rm',
    '--network',
    `container:${containerNames.server}`,
    '--user',
    '0:0',
    '--read-only',
    '--cap-drop',
    'ALL',
    '--cap-add',
    'NET_RAW',
    '--security-opt',
    'no-new-privileges',
    '--log-driver',
    'none',
    '--no-healthcheck',
    '--entrypoint',
    program,
    image,
    ...parameters,
  ];
}

/** Writes whole packets until the program ends or a limit is reached. */
async function record(
  { stdout, stderr, ended }: OpenProgram,
  file: FileHandle,
  limits: CaptureLimits,
  abort: AbortController,
): Promise<PacketFile> {
  const packets = new PacketFile(limits);
  const complaint = collectComplaint(stderr);
  try {
    for await (const piece of stdout as AsyncIterable<Buffer>) {
      const whole = packets.push(piece);
      if (whole.length > 0) await file.writeFile(whole);
      if (packets.isFull) break;
    }
  } catch (error) {
    abort.abort();
    await ended.catch(() => {});
    throw explainRecording(error);
  }
  abort.abort();
  const status = await ended;
  // Without the header of a file nothing was recorded at all, whatever it ended with.
  if (packets.bytes === 0) throw notRecorded(complaint(), status);
  return packets;
}

function collectComplaint(stream: Readable): () => string {
  let text = '';
  stream.on('data', (piece: Buffer) => {
    if (text.length < longestComplaint) text += piece.toString('utf8');
  });
  return () => text;
}

function notRecorded(said: string, status: number): Failure {
  const line = printable(said.trim().replace(/\s*\n\s*/g, ' '));
  if (/tcpdump.*(no such file|not found)|executable file not found/i.test(said)) {
    return new Failure({
      en: 'tcpdump is not installed on this server. Install it (apt-get install tcpdump, or dnf install tcpdump), then run this again.',
      ja: 'このサーバーに tcpdump がインストールされていません。インストールしてから (apt-get install tcpdump または dnf install tcpdump)、もう一度実行してください。',
    });
  }
  return new Failure({
    en: `Nothing could be recorded: ${line === '' ? `tcpdump ended with status ${status}` : line}`,
    ja: `記録できませんでした: ${line === '' ? `tcpdump がステータス ${status} で終了しました` : line}`,
  });
}

function explainRecording(error: unknown): unknown {
  if (error instanceof NotPackets) {
    return new Failure({
      en: `What tcpdump gave is no capture: ${error.message}.`,
      ja: `tcpdump の出力を解釈できません: ${error.message}。`,
    });
  }
  if ((error as NodeJS.ErrnoException).code === 'ENOSPC') {
    return new Failure({
      en: 'The disk is full. What was recorded until then can be read.',
      ja: 'ディスクの空き領域がなくなりました。それまでに記録した内容は読み取れます。',
    });
  }
  return error;
}
