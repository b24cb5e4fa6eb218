import { readdirSync, readFileSync } from 'node:fs';
import { z } from 'zod';

/** Names a process for good. Ids are given out again; with the time of its start and the boot of the machine it is unique. */
export const processIdentitySchema = z.strictObject({
  processId: z.int().min(1),
  /** Clock ticks since boot (proc(5), field 22 of `stat`). `exec` changes neither this nor the id. */
  startTime: z.string().regex(/^\d+$/),
  bootId: z.string().min(1),
});
export type ProcessIdentity = z.output<typeof processIdentitySchema>;

/** State and time of start of `/proc/PID/stat`; undefined for anything else. */
export function parseStat(text: string): { state: string; startTime: string } | undefined {
  // The second field is a name in parentheses, which may hold blanks and parentheses.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state = ''] = fields;
  const startTime = fields[19] ?? '';
  return /^[A-Za-z]$/.test(state) && /^\d+$/.test(startTime) ? { state, startTime } : undefined;
}

/** The identity of a process that runs; undefined when there is none with this id, or it has ended and was not asked after. */
export function identify(processId: number): ProcessIdentity | undefined {
  const stat = readStat(processId);
  if (stat === undefined || stat.state === 'Z') return undefined;
  return { processId, startTime: stat.startTime, bootId: bootId() };
}

/** True while this very process runs. */
export function isRunning({ processId, startTime, bootId: boot }: ProcessIdentity): boolean {
  const found = identify(processId);
  return found !== undefined && found.startTime === startTime && found.bootId === boot;
}

/** Sends a signal to this very process; false when it has ended. */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isRunning(identity)) return false;
  try {
    process.kill(identity.processId, signal);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

/** Processes whose command line satisfies the test. */
export function findProcesses(matches: (commandLine: readonly string[]) => boolean): ProcessIdentity[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const text = readProcessFile(Number(name), 'cmdline');
      if (text === undefined || !matches(text.split('\0').slice(0, -1))) return [];
      return identify(Number(name)) ?? [];
    });
}

function readStat(processId: number): ReturnType<typeof parseStat> {
  const text = readProcessFile(processId, 'stat');
  return text === undefined ? undefined : parseStat(text);
}

function readProcessFile(processId: number, name: string): string | undefined {
  try {
    return readFileSync(`/proc/${processId}/${name}`, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // ESRCH: it ended between opening and reading.
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}
