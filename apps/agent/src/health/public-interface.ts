/** Bytes that an interface has received and sent since it was made. */
export interface Traffic {
  received: number;
  sent: number;
}

/** A reading of the interfaces of the public side. `index` is another one when an interface was made again. */
export type InterfaceReading = ReadonlyMap<string, Traffic & { index: number }>;

/** Reads `/proc/net/dev` (proc_pid_net(5)). */
export function parseTraffic(text: string): Map<string, Traffic> {
  const traffic = new Map<string, Traffic>();
  for (const line of text.split('\n')) {
    const [, name, rest] = /^\s*([^\s:]+(?::[^\s:]+)*):\s*(\d[\d\s]*)$/.exec(line) ?? [];
    const numbers = rest?.trim().split(/\s+/).map(Number);
    const [received, sent] = [numbers?.[0], numbers?.[8]];
    if (name !== undefined && received !== undefined && sent !== undefined)
      traffic.set(name, { received, sent });
  }
  return traffic;
}

/** The interface of the default route from `/proc/net/route`, that of the smallest metric. */
export function defaultInterface(route: string): string | undefined {
  const isUp = 1;
  const routes = route.split('\n').flatMap((line) => {
    const [name, destination, , flags, , , metric, mask] = line.trim().split(/\s+/);
    const isDefault = destination === '00000000' && mask === '00000000';
    if (name === undefined || !isDefault || (Number.parseInt(flags ?? '0', 16) & isUp) === 0) return [];
    return [{ name, metric: Number(metric) }];
  });
  return smallest(routes);
}

/** The same from `/proc/net/ipv6_route`. */
export function defaultInterface6(route: string): string | undefined {
  const routes = route.split('\n').flatMap((line) => {
    const fields = line.trim().split(/\s+/);
    const [destination, length, , , , metric] = fields;
    const name = fields[9];
    if (!/^0{32}$/.test(destination ?? '') || length !== '00' || name === undefined || name === 'lo')
      return [];
    return [{ name, metric: Number.parseInt(metric ?? '0', 16) }];
  });
  return smallest(routes);
}

function smallest(routes: { name: string; metric: number }[]): string | undefined {
  return routes.sort((left, right) => left.metric - right.metric)[0]?.name;
}

/** Kernels of 32 bits count so far and begin again. */
const wrap = 2 ** 32;

/**
 * Bytes that a counter has gone on. One that is smaller than before has wrapped when it was in the upper half of 32 bits,
 * and was set back otherwise.
 */
export function counted(before: number, after: number): number {
  if (after >= before) return after - before;
  return before < wrap && before >= wrap / 2 ? after + wrap - before : after;
}

/** Bytes of both directions between two readings; an interface that was not there before, or was made again, adds nothing. */
export function bytesBetween(before: InterfaceReading, after: InterfaceReading): number {
  let bytes = 0;
  for (const [name, now] of after) {
    const then = before.get(name);
    if (then === undefined || then.index !== now.index) continue;
    bytes += counted(then.received, now.received) + counted(then.sent, now.sent);
  }
  return bytes;
}

/** Kilobits a second. */
export function kilobitsPerSecond(bytes: number, milliseconds: number): number {
  return Math.round((bytes * 8) / milliseconds);
}
