import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

interface Stat {
  pid: number;
  parent: number;
  /** Clock ticks in user and kernel mode, those of children that were waited for included. */
  ticks: number;
}

/** The fields of `/proc/PID/stat` that matter here, or undefined when the process is gone. */
export function parseStat(text: string): Stat | undefined {
  // The second field is the name in parentheses; it may hold blanks and parentheses.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const number = (field: number) => Number(fields[field - 3]);
  const pid = Number.parseInt(text, 10);
  if (Number.isNaN(pid)) return undefined;
  return { pid, parent: number(4), ticks: number(14) + number(15) + number(16) + number(17) };
}

function readStat(pid: number): Stat | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return undefined;
  }
}

function allProcesses(): Stat[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readStat(Number(name)))
    .filter((stat) => stat !== undefined);
}

/** The given processes and everything they started that still lives. */
export function processTree(roots: readonly number[]): number[] {
  const processes = allProcesses();
  const tree = new Set(processes.map((one) => one.pid).filter((pid) => roots.includes(pid)));
  // Children can have smaller ids than their parents once ids wrap, so one pass is not enough.
  for (let before = -1; before !== tree.size; ) {
    before = tree.size;
    for (const one of processes) if (tree.has(one.parent)) tree.add(one.pid);
  }
  return [...tree];
}

let ticksPerSecond: number | undefined;

/**
 * CPU seconds that the processes have used so far, their finished children included. Work of the kernel in
 * software interrupts (veth, forwarding, NAT) is in nobody's account.
 */
export function cpuSeconds(pids: readonly number[]): number {
  ticksPerSecond ??= Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
  const ticks = pids.reduce((sum, pid) => sum + (readStat(pid)?.ticks ?? 0), 0);
  return ticks / ticksPerSecond;
}

/**
 * CPU seconds that the living threads of this name have used so far, in all of the processes. From the scheduler's own
 * clock in nanoseconds, because a thread that works for a few milliseconds at a time is invisible in clock ticks.
 */
export function threadCpuSeconds(pids: readonly number[], name: string): number {
  const nanoseconds = pids.flatMap((pid) => {
    try {
      return readdirSync(`/proc/${pid}/task`).map((thread) => threadNanoseconds(pid, thread, name));
    } catch {
      return [];
    }
  });
  return nanoseconds.reduce((sum, one) => sum + one, 0) / 1e9;
}

function threadNanoseconds(pid: number, thread: string, name: string): number {
  try {
    if (readFileSync(`/proc/${pid}/task/${thread}/comm`, 'utf8').trim() !== name) return 0;
    return Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
  } catch {
    return 0;
  }
}

/** Memory of the processes in kB; a page that several share is divided among them. */
export function proportionalSetSize(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    try {
      const [, size] = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')) ?? [];
      return sum + Number(size ?? 0);
    } catch {
      return sum;
    }
  }, 0);
}

/** Processes whose command line satisfies the test. */
export function findProcesses(matches: (commandLine: readonly string[]) => boolean): number[] {
  return allProcesses()
    .map((one) => one.pid)
    .filter((pid) => {
      try {
        return matches(readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1));
      } catch {
        return false;
      }
    });
}
