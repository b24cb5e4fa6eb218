import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { isSea } from 'node:sea';
import { setTimeout as sleep } from 'node:timers/promises';
import { runProgram } from '../container-engine/run-program.ts';
import { embeddedText } from '../embedded/embedded-text.ts';
import type { HostLayout } from '../host-layout/host-layout.ts';
import { readIfThere, writeDurably } from '../monitor/durable-file.ts';
import { identify, isRunning, processIdentitySchema, signalProcess } from '../monitor/process-identity.ts';
import { isServed } from '../monitor/serve-monitor.ts';
import { Failure } from '../program/failure.ts';

const unit = 'mstunnel_monitor';
const systemctlMilliseconds = 90_000;
/** How long a monitor has to answer after its start, and to end. */
const patience = { start: 30_000, end: 60_000, between: 200 };

/** True where systemd is the first process (sd_booted(3)). */
export function hasSystemd(): boolean {
  return existsSync('/run/systemd/system');
}

/** True when the monitor answers, and is started at boot where systemd does that. */
export async function isMonitorInstalled(layout: HostLayout): Promise<boolean> {
  if (hasSystemd() && readIfThere(layout.unitFile) !== unitText()) return false;
  return isServed(layout.monitor.socket);
}

/**
 * Starts the monitor, and has it started at every boot where systemd is there; elsewhere it runs in the background until the host ends.
 * Resolves when it answers; rejects with a Failure that says where its log is.
 */
export async function startMonitor(layout: HostLayout): Promise<'service' | 'background'> {
  const kind = hasSystemd() ? 'service' : 'background';
  if (kind === 'service') await startService(layout);
  else if (!(await isServed(layout.monitor.socket))) startInBackground(layout);
  const end = Date.now() + patience.start;
  while (!(await isServed(layout.monitor.socket))) {
    if (Date.now() > end) throw notStarted(layout, kind);
    await sleep(patience.between);
  }
  return kind;
}

/** Ends the monitor for good. The containers go on. */
export async function stopMonitor(layout: HostLayout): Promise<void> {
  if (hasSystemd() && existsSync(layout.unitFile)) await systemctl('disable', '--now', unit);
  const background = readBackground(layout);
  if (background === undefined || !signalProcess(background, 'SIGTERM')) return;
  const end = Date.now() + patience.end;
  while (isRunning(background)) {
    if (Date.now() > end) signalProcess(background, 'SIGKILL');
    await sleep(patience.between);
  }
}

async function startService({ unitFile }: HostLayout): Promise<void> {
  if (readIfThere(unitFile) !== unitText()) {
    writeDurably(unitFile, unitText());
    await systemctl('daemon-reload');
  }
  await systemctl('enable', '--now', unit);
}

function unitText(): string {
  return embeddedText('deploy/systemd/mstunnel_monitor.service');
}

function startInBackground(layout: HostLayout): void {
  const { monitor, programs } = layout;
  mkdirSync(monitor.logDirectory, { recursive: true, mode: 0o750 });
  // What it does is in its log; here is what it says when it cannot even begin.
  const output = openSync(outputFile(layout), 'w', 0o640);
  const [program, words] = isSea()
    ? [join(programs.directory, unit), []]
    : [process.execPath, [join(import.meta.dirname, '../main.ts'), unit]];
  const child = spawn(program, [...words, 'run'], {
    detached: true,
    cwd: '/',
    stdio: ['ignore', 'ignore', output],
  });
  child.unref();
  const identity = child.pid === undefined ? undefined : identify(child.pid);
  if (identity !== undefined) writeDurably(backgroundFile(layout), `${JSON.stringify(identity)}\n`);
}

function readBackground(layout: HostLayout) {
  const text = readIfThere(backgroundFile(layout));
  return text === undefined ? undefined : processIdentitySchema.safeParse(JSON.parse(text)).data;
}

function backgroundFile({ monitor }: HostLayout): string {
  return join(monitor.stateDirectory, 'background-monitor.json');
}

function outputFile({ monitor }: HostLayout): string {
  return join(monitor.logDirectory, 'monitor.out');
}

async function systemctl(...words: string[]): Promise<void> {
  const { status, stderr } = await runProgram(['systemctl', ...words], {
    timeoutMilliseconds: systemctlMilliseconds,
  });
  if (status === 0) return;
  throw new Failure({
    en: `systemctl ${words.join(' ')} failed: ${stderr.trim()}`,
    ja: `systemctl ${words.join(' ')} が失敗しました: ${stderr.trim()}`,
  });
}

function notStarted(layout: HostLayout, kind: 'service' | 'background'): Failure {
  const log = kind === 'service' ? `journalctl -u ${unit}` : `cat ${outputFile(layout)}`;
  return new Failure({
    en: `The monitor does not start. Its log says why: ${log}`,
    ja: `モニターが起動しません。原因はログで確認できます: ${log}`,
  });
}
