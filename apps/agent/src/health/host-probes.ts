import { readFile, statfs } from 'node:fs/promises';
import { availableParallelism, networkInterfaces } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CgroupLimits, readCgroupLimits } from './cgroup.ts';
import { parseMemory } from './memory.ts';
import { type Measurement, minutes, type Probe, seconds } from './probe.ts';
import {
  type ProcessorTime,
  parseProcessorTime,
  percent,
  processorUsage,
  usableProcessors,
} from './processors.ts';
import {
  bytesBetween,
  defaultInterface,
  defaultInterface6,
  type InterfaceReading,
  kilobitsPerSecond,
  parseTraffic,
} from './public-interface.ts';
import { mean, Window } from './window.ts';

const period = 10 * seconds;
const limit = 5 * seconds;
/** The first value needs two readings; it does not wait for the next period. */
const firstGap = 1 * seconds;
const usageWindow = 5 * minutes;
const trafficWindow = 1 * minutes;

/** Takes a reading; the first time two, a second apart, so that there is something between them. */
async function readTwiceAtFirst(
  hasEarlier: boolean,
  signal: AbortSignal,
  read: () => Promise<void>,
): Promise<void> {
  await read();
  if (hasEarlier) return;
  await sleep(firstGap, undefined, { signal });
  await read();
}

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

/** `throughput` of the last minute through the interfaces of `listenAddresses`, else through that of the default route. */
export function throughputProbe(listenAddresses: () => string[] | undefined): Probe {
  const window = new Window<number>(trafficWindow);
  let before: InterfaceReading | undefined;
  let total = 0;
  const read = async () => {
    const names = await publicInterfaces(listenAddresses());
    const reading = await readInterfaces(names);
    if (before !== undefined) total += bytesBetween(before, reading);
    before = reading;
    window.add(performance.now(), total);
  };
  return {
    metrics: ['throughput'],
    periodMilliseconds: period,
    limitMilliseconds: limit,
    async measure(signal) {
      await readTwiceAtFirst(window.ends() !== undefined, signal, read);
      return { throughput: rate(window.ends()) };
    },
  };
}

function rate(ends: { first: number; last: number; milliseconds: number } | undefined): Measurement {
  if (ends === undefined || ends.milliseconds <= 0) return { reason: 'there is only one reading yet' };
  return { value: kilobitsPerSecond(ends.last - ends.first, ends.milliseconds) };
}

async function publicInterfaces(listenAddresses: string[] | undefined): Promise<string[]> {
  if (listenAddresses === undefined) {
    const [route, route6] = await Promise.all([
      readFile('/proc/net/route', 'utf8'),
      readFile('/proc/net/ipv6_route', 'utf8').catch(() => ''),
    ]);
    const name = defaultInterface(route) ?? defaultInterface6(route6);
    if (name === undefined) {
      throw new Error(
        'this server has no default route, so its public side is not known; set listenAddresses',
      );
    }
    return [name];
  }
  const names = Object.entries(networkInterfaces())
    .filter(([, addresses]) => addresses?.some(({ address }) => listenAddresses.includes(address)))
    .map(([name]) => name);
  if (names.length === 0) throw new Error(`no interface has the address ${listenAddresses.join(' or ')}`);
  return names;
}

async function readInterfaces(names: string[]): Promise<InterfaceReading> {
  const traffic = parseTraffic(await readFile('/proc/net/dev', 'utf8'));
  const reading = new Map<string, { received: number; sent: number; index: number }>();
  for (const name of names) {
    const counters = traffic.get(name);
    const index = Number(await readFile(`/sys/class/net/${name}/ifindex`, 'utf8').catch(() => '0'));
    if (counters !== undefined) reading.set(name, { ...counters, index });
  }
  return reading;
}
