import { setTimeout as sleep } from 'node:timers/promises';
import type { Namespace } from '../network/namespace.ts';
import { corpAddress } from '../network/network.ts';

export type Direction = 'up' | 'down';

export interface Measurement {
  bitsPerSecond: number;
  /** Bytes that arrived at the other end. */
  receivedBytes: number;
}

interface IperfReport {
  error?: string;
  end?: { sum_received?: { bytes: number; bits_per_second: number } };
}

/** Reads what `iperf3 --json` printed. */
export function parseIperf(json: string): Measurement {
  const report = JSON.parse(json) as IperfReport;
  const sum = report.end?.sum_received;
  if (report.error !== undefined || sum === undefined) {
    throw new Error(`iperf3 measured nothing: ${report.error ?? 'no summary'}`);
  }
  return { bitsPerSecond: sum.bits_per_second, receivedBytes: sum.bytes };
}

export interface IperfOptions {
  direction: Direction;
  seconds: number;
  port?: number;
  address?: string;
}

/** Words of an iperf3 client: one TCP stream from the device (`up`) or to it (`down`). */
export function iperfCommand({
  direction,
  seconds,
  port = 5201,
  address = corpAddress,
}: IperfOptions): string[] {
  const reverse = direction === 'down' ? ['--reverse'] : [];
  return [
    ...['iperf3', '--client', address, '--port', String(port), '--time', String(seconds)],
    // One and the same on every machine: with bbr, the default of some, what is measured is its pacing.
    ...['--connect-timeout', '5000', '--congestion', 'cubic', '--json', ...reverse],
  ];
}

/** A server that has just finished a measurement takes a moment before it accepts the next one. */
const busyTries = 10;
const busyPauseMilliseconds = 300;

/** Measures TCP throughput between a device and the corporate host. */
export async function measure(device: Namespace, options: IperfOptions): Promise<Measurement> {
  const timeoutMilliseconds = (options.seconds + 30) * 1000;
  for (let left = busyTries; ; left -= 1) {
    const { stdout } = await device.attempt(iperfCommand(options), { timeoutMilliseconds });
    if (left === 0 || !stdout.includes('the server is busy')) return parseIperf(stdout);
    await sleep(busyPauseMilliseconds);
  }
}
