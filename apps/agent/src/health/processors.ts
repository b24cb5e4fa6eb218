/** Processor time since the machine started, in ticks of the kernel. */
export interface ProcessorTime {
  busy: number;
  total: number;
}

/**
 * Reads the first line of `/proc/stat` (proc_stat(5)): user, nice, system, idle, iowait, irq, softirq, steal. The time of
 * guests is in user already. Waiting for a disk is no use of a processor.
 */
export function parseProcessorTime(text: string): ProcessorTime {
  const line = /^cpu +(.*)$/m.exec(text)?.[1];
  const numbers = line?.trim().split(/\s+/).map(Number).slice(0, 8) ?? [];
  if (numbers.length < 4 || numbers.some((number) => !Number.isFinite(number) || number < 0)) {
    throw new Error('/proc/stat does not tell the time of the processors');
  }
  const total = numbers.reduce((sum, number) => sum + number, 0);
  const idle = (numbers[3] ?? 0) + (numbers[4] ?? 0);
  return { busy: total - idle, total };
}

/** Percent of the time between two readings; undefined when no time has passed or the counters went back. */
export function processorUsage(before: ProcessorTime, after: ProcessorTime): number | undefined {
  const [busy, total] = [after.busy - before.busy, after.total - before.total];
  if (total <= 0 || busy < 0) return undefined;
  return percent(busy / total);
}

/** As percent, within 0 and 100: counters of several processors are not read in one moment. */
export function percent(share: number): number {
  return Math.round(Math.min(1, Math.max(0, share)) * 1000) / 10;
}

/** Processors that may be used: of those that the kernel gives this process, as many as a quota pays for, but one. */
export function usableProcessors(available: number, quota: number | undefined): number {
  if (quota === undefined) return available;
  return Math.max(1, Math.min(available, Math.floor(quota)));
}
