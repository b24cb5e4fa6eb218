import { readFile, statfs } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { type CgroupLimits, readCgroupLimits } from './cgroup.ts';
import { parseMemory } from './memory.ts';
import { minutes, type Probe, seconds } from './probe.ts';
import {
  type ProcessorTime,
  parseProcessorTime,
  percent,
  processorUsage,
  usableProcessors,
} from './processors.ts';
import { readTwiceAtFirst } from './read-twice.ts';
import { mean, Window } from './window.ts';

const period = 10 * seconds;
const limit = 5 * seconds;
const usageWindow = 5 * minutes;

/** `cpuUsage` over five minutes, or since the start: of the quota of the control group, else of the whole machine. */
export function processorProbe(): Probe {
  const window = new Window<{ machine: ProcessorTime; group: CgroupLimits['cpu'] }>(usageWindow);
  const read = async () => {
    const [text, { cpu }] = await Promise.all([readFile('/proc/stat', 'utf8'), readCgroupLimits()]);
    const before = window.readings.at(-1);
    // Another quota is another measure.
    if (before !== undefined && before.group?.processors !== cpu?.processors) window.clear();
    window.add(performance.now(), { machine: parseProcessorTime(text), group: cpu });
  };
  return {
    metrics: ['cpuUsage'],
    periodMilliseconds: period,
    limitMilliseconds: limit,
    async measure(signal) {
      await readTwiceAtFirst(window.ends() !== undefined, signal, read);
      const ends = window.ends();
      if (ends === undefined) return { cpuUsage: { reason: 'the quota of processors has just changed' } };
      const { first, last, milliseconds } = ends;
      const value =
        first.group === undefined || last.group === undefined
          ? processorUsage(first.machine, last.machine)
          : percent(
              (last.group.usedMicroseconds - first.group.usedMicroseconds) /
                (last.group.processors * milliseconds * 1000),
            );
      return {
        cpuUsage: value === undefined ? { reason: 'the time of the processors stands still' } : { value },
      };
    },
  };
}

/** `memoryUsage` over five minutes, or since the start: of the limit of the control group, else of the whole machine. */
export function memoryProbe(): Probe {
  const window = new Window<number>(usageWindow);
  return {
    metrics: ['memoryUsage'],
    periodMilliseconds: period,
    limitMilliseconds: limit,
    async measure() {
      const [text, limits] = await Promise.all([readFile('/proc/meminfo', 'utf8'), readCgroupLimits()]);
      const { total, available } = parseMemory(text);
      const { memory } = limits;
      const share =
        memory !== undefined && memory.limit < total ? memory.used / memory.limit : 1 - available / total;
      window.add(performance.now(), share);
      return { memoryUsage: { value: percent(mean(window.readings) ?? share) } };
    },
  };
}

/** `cpuCores`: those that this process may run on, or as many whole ones as its quota pays for. */
export function coresProbe(): Probe {
  return {
    metrics: ['cpuCores'],
    periodMilliseconds: 1 * minutes,
    limitMilliseconds: limit,
    async measure() {
      const { cpu } = await readCgroupLimits();
      return { cpuCores: { value: usableProcessors(availableParallelism(), cpu?.processors) } };
    },
  };
}

/** `diskFree`: what the gateway may still write where its state is. */
export function diskProbe(directory: string): Probe {
  return {
    metrics: ['diskFree'],
    periodMilliseconds: 30 * seconds,
    limitMilliseconds: limit,
    async measure() {
      const { bavail, bsize } = await statfs(directory);
      return { diskFree: { value: Math.round((bavail * bsize) / 1e7) / 100 } };
    },
  };
}
