/** Bytes. */
export interface Memory {
  total: number;
  available: number;
}

/** Reads `/proc/meminfo`. `MemAvailable` counts what the kernel would give back, such as cached files. */
export function parseMemory(text: string): Memory {
  const kilobytes = (name: string) => Number(new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(text)?.[1]);
  const [total, available] = [kilobytes('MemTotal') * 1024, kilobytes('MemAvailable') * 1024];
  if (!(total > 0) || Number.isNaN(available)) throw new Error('/proc/meminfo does not tell the memory');
  return { total, available };
}
