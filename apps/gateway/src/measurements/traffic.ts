import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import type { TrafficMeasurement } from '@culvert/contracts';

/** Counters of the interfaces that have one of these addresses, else of that of the default route. */
export async function readTraffic(
  listenAddresses: readonly string[] | undefined,
): Promise<TrafficMeasurement> {
  const names = await publicInterfaces(listenAddresses);
  const traffic = parseTraffic(await readFile('/proc/net/dev', 'utf8'));
  const interfaces: TrafficMeasurement['interfaces'] = [];
  for (const name of names) {
    const counters = traffic.get(name);
    const index = Number(await readFile(`/sys/class/net/${name}/ifindex`, 'utf8').catch(() => '0'));
    if (counters !== undefined) interfaces.push({ name, index, ...counters });
  }
  return { interfaces };
}

async function publicInterfaces(listenAddresses: readonly string[] | undefined): Promise<string[]> {
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

interface Counters {
  received: number;
  sent: number;
}

/** Reads `/proc/net/dev` (proc_pid_net(5)). */
export function parseTraffic(text: string): Map<string, Counters> {
  const traffic = new Map<string, Counters>();
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
