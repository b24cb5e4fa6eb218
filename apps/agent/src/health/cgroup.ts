import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** What the control groups of a process allow it, and what all processes in the one that allows least have used. */
export interface CgroupLimits {
  /** Processors, such as 1.5; undefined when there is no limit. */
  cpu?: { processors: number; usedMicroseconds: number };
  /** Bytes. */
  memory?: { limit: number; used: number };
}

/** Reads a file as text; undefined when there is none. */
export type ReadText = (path: string) => Promise<string | undefined>;

const root = '/sys/fs/cgroup';
/** Version 1 writes "no limit" as the largest multiple of a page. */
const noMemoryLimit = 2 ** 60;

/** The groups of a process from `/proc/self/cgroup` (cgroups(7)): by controller, `''` for version 2. */
export function parseGroups(text: string): Map<string, string> {
  const groups = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    for (const controller of controllers?.split(',') ?? []) groups.set(controller, path ?? '/');
  }
  return groups;
}

/** `cpu.max` of version 2: quota and period in microseconds, or `max`. Processors. */
export function parseCpuMax(text: string): number | undefined {
  const [quota, period] = text.trim().split(/\s+/);
  return ratio(quota, period);
}

/** Processors of a quota and a period; undefined for no limit and for what cannot be read. */
export function ratio(quota: string | undefined, period: string | undefined): number | undefined {
  const result = Number(quota) / Number(period);
  return Number.isFinite(result) && result > 0 ? result : undefined;
}

/** A number of bytes, or `max`. */
export function parseBytes(text: string): number | undefined {
  const bytes = text.trim() === '' ? Number.NaN : Number(text.trim());
  return bytes >= 0 && bytes < noMemoryLimit ? bytes : undefined;
}

/** The value of a key in files such as `cpu.stat` and `memory.stat`. */
export function parseKey(text: string, key: string): number | undefined {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${key} `));
  const value = Number(line?.slice(key.length + 1));
  return Number.isFinite(value) ? value : undefined;
}

/** A group and those around it, innermost first; a limit of each of them holds. */
export function selfAndParents(path: string): string[] {
  const paths = [path];
  for (let at = path; at !== '/'; at = dirname(at)) paths.push(dirname(at));
  return paths;
}

/** Reads the limits that hold for this process, of version 2 or 1. */
export async function readCgroupLimits(read: ReadText = readTextFile): Promise<CgroupLimits> {
  const groups = parseGroups((await read('/proc/self/cgroup')) ?? '');
  const [cpu, memory] = await Promise.all([readCpu(groups, read), readMemory(groups, read)]);
  return { ...(cpu === undefined ? {} : { cpu }), ...(memory === undefined ? {} : { memory }) };
}

async function readCpu(groups: Map<string, string>, read: ReadText): Promise<CgroupLimits['cpu']> {
  let found: CgroupLimits['cpu'];
  const keep = (processors: number | undefined, used: number | undefined) => {
    if (processors === undefined || used === undefined) return;
    if (found === undefined || processors < found.processors) found = { processors, usedMicroseconds: used };
  };
  for (const directory of directories(root, groups.get(''))) {
    const limit = parseCpuMax((await read(join(directory, 'cpu.max'))) ?? '');
    keep(limit, parseKey((await read(join(directory, 'cpu.stat'))) ?? '', 'usage_usec'));
  }
  for (const directory of directories(join(root, 'cpu'), groups.get('cpu'))) {
    const quota = await read(join(directory, 'cpu.cfs_quota_us'));
    const limit = ratio(quota, await read(join(directory, 'cpu.cfs_period_us')));
    const nanoseconds = parseBytes((await read(join(directory, 'cpuacct.usage'))) ?? '');
    keep(limit, nanoseconds === undefined ? undefined : nanoseconds / 1000);
  }
  return found;
}

async function readMemory(groups: Map<string, string>, read: ReadText): Promise<CgroupLimits['memory']> {
  let found: CgroupLimits['memory'];
  const look = async (directory: string, names: { limit: string; usage: string; cache: string }) => {
    const limit = parseBytes((await read(join(directory, names.limit))) ?? '');
    const usage = parseBytes((await read(join(directory, names.usage))) ?? '');
    if (limit === undefined || limit === 0 || usage === undefined) return;
    // Files that were read long ago are given back before anything fails.
    const cache = parseKey((await read(join(directory, 'memory.stat'))) ?? '', names.cache) ?? 0;
    if (found === undefined || limit < found.limit) found = { limit, used: Math.max(0, usage - cache) };
  };
  for (const directory of directories(root, groups.get(''))) {
    await look(directory, { limit: 'memory.max', usage: 'memory.current', cache: 'inactive_file' });
  }
  for (const directory of directories(join(root, 'memory'), groups.get('memory'))) {
    await look(directory, {
      limit: 'memory.limit_in_bytes',
      usage: 'memory.usage_in_bytes',
      cache: 'total_inactive_file',
    });
  }
  return found;
}

/** Inside a container the group of `/proc/self/cgroup` may not be visible; then the mount itself is it. */
function directories(mount: string, group: string | undefined): string[] {
  return group === undefined ? [] : selfAndParents(group).map((path) => join(mount, path));
}

async function readTextFile(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EACCES' || code === 'ENODEV') return undefined;
    throw error;
  }
}
