import { connect } from 'node:net';
import type { LatencyMeasurement } from '@culvert/contracts';

/** Nobody listens there (RFC 863); the engine answers before it matters. */
const port = 9;
/** One after the other, so that they do not wait for each other. */
const packets = 5;
const patienceMilliseconds = 1000;

/**
 * How long a packet takes into the engine and out again, the fastest of five. A SYN goes through the tunnel interface to an
 * address of the pool that no device has; the engine answers it with host unreachable, and the kernel ends the connection. That
 * is the way of every packet to a device but for the cipher, and it needs no device. Rejects when no packet is answered.
 */
export async function measureLatency(freeAddress: string, signal: AbortSignal): Promise<LatencyMeasurement> {
  const times: number[] = [];
  for (let packet = 0; packet < packets; packet += 1) {
    const milliseconds = await timeToUnreachable(freeAddress, signal);
    if (milliseconds !== undefined) times.push(milliseconds);
  }
  if (times.length === 0) {
    throw new Error(`the engine answers no packet for ${freeAddress} through the tunnel interface`);
  }
  // This process may be busy when an answer comes; that only ever adds, so the fastest tells most.
  return { milliseconds: Math.min(...times) };
}

/** Milliseconds until the kernel has heard that nobody has the address; undefined when it hears anything else or nothing. */
export function timeToUnreachable(address: string, signal: AbortSignal): Promise<number | undefined> {
  return new Promise((resolve) => {
    const started = performance.now();
    const socket = connect({ host: address, port, signal });
    const end = (result: number | undefined) => {
      clearTimeout(timer);
      resolve(result);
      socket.destroy();
    };
    const timer = setTimeout(() => end(undefined), patienceMilliseconds);
    socket.once('connect', () => end(undefined));
    socket.once('error', (error: NodeJS.ErrnoException) =>
      end(error.code === 'EHOSTUNREACH' ? performance.now() - started : undefined),
    );
  });
}
