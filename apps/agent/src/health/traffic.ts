/** Bytes that an interface has received and sent since it was made. */
interface Traffic {
  received: number;
  sent: number;
}

/** A reading of the interfaces of the public side. `index` is another one when an interface was made again. */
export type InterfaceReading = ReadonlyMap<string, Traffic & { index: number }>;

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
