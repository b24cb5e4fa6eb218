import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { undoAtExit } from './cleanup.ts';

/** Every namespace and directory of the lab begins with this, so that leftovers can be told from others' things. */
const family = 'culvert-lab';

/** Time since boot when a process started, in clock ticks: with its id it names a process for good. */
function startTime(pid: number | 'self'): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Field 22; the second field is a name in parentheses that may hold blanks.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

/** Names of this run begin with this. */
export const runPrefix = `${family}-${process.pid}-${startTime('self')}`;

/** True for the name of something that a run left behind whose process is gone. */
export function isLeftover(name: string): boolean {
  const [, pid, started] = new RegExp(`^${family}-(\\d+)-(\\d+)(?:-|$)`).exec(name) ?? [];
  return pid !== undefined && startTime(Number(pid)) !== started;
}

let directory: string | undefined;

/** A directory for files of this run; it is removed at exit. `CULVERT_LAB_KEEP=1` keeps it for inspection. */
export function runDirectory(): string {
  if (directory === undefined) {
    const path = join(tmpdir(), runPrefix);
    // The gateway refuses secrets in places that others can read.
    mkdirSync(path, { recursive: true, mode: 0o711 });
    if (process.env.CULVERT_LAB_KEEP !== '1') {
      undoAtExit(() => rmSync(path, { recursive: true, force: true }));
    }
    directory = path;
  }
  return directory;
}

let directories = 0;

/** A new directory inside the run's own. */
export function makeDirectory(name: string): string {
  directories += 1;
  const path = join(runDirectory(), `${directories}-${name}`);
  mkdirSync(path, { mode: 0o711 });
  return path;
}

/** Removes the directories of runs that were killed. */
export function sweepDirectories(): void {
  for (const name of readdirSync(tmpdir())) {
    if (isLeftover(name)) rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}
