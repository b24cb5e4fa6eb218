import { setTimeout as sleep } from 'node:timers/promises';
import { Connection, type Target } from './connection.ts';

/** Gives the path of each next request of one connection, with the answer before it. */
export type Walk = () => (previous: Buffer | undefined) => string;

/** What was measured. Milliseconds. */
export interface Measured {
  pagesPerSecond: number;
  p50: number;
  p99: number;
  longest: number;
  bytesPerPage: number;
}

/** As many requests as the server answers: each connection sends the next one when it has its answer. */
export async function fullLoad(
  target: Target,
  walk: Walk,
  connections: number,
  seconds: number,
): Promise<Measured> {
  const samples = new Samples();
  const end = performance.now() + seconds * 1_000;
  await eachConnection(target, connections, async (connection) => {
    const next = walk();
    let previous: Buffer | undefined;
    while (performance.now() < end) {
      const began = performance.now();
      previous = await ask(connection, next(previous));
      samples.add(performance.now() - began, previous.length);
    }
  });
  return samples.summary(seconds);
}

/**
 * A steady rate. The clock of a request starts when it was due and not when a connection was free for it, so that a server that
 * stalls is not spared the requests that it held up.
 */
export async function steadyLoad(
  target: Target,
  walk: Walk,
  connections: number,
  seconds: number,
  perSecond: number,
): Promise<Measured> {
  const samples = new Samples();
  const due: number[] = [];
  const waiting: (() => void)[] = [];
  let isOver = false;
  const work = eachConnection(target, connections, async (connection) => {
    const next = walk();
    let previous: Buffer | undefined;
    for (;;) {
      while (due.length === 0 && !isOver) await new Promise<void>((resolve) => waiting.push(resolve));
      const began = due.shift();
      if (began === undefined) return;
      previous = await ask(connection, next(previous));
      samples.add(performance.now() - began, previous.length);
    }
  });
  const start = performance.now();
  for (let sent = 0; sent < seconds * perSecond; ) {
    await sleep(1);
    const wanted = Math.min(
      seconds * perSecond,
      Math.floor(((performance.now() - start) * perSecond) / 1_000),
    );
    for (; sent < wanted; sent += 1) {
      due.push(start + (sent * 1_000) / perSecond);
      waiting.shift()?.();
    }
  }
  isOver = true;
  for (const wake of waiting) wake();
  await work;
  return samples.summary((performance.now() - start) / 1_000);
}

async function ask(connection: Connection, path: string): Promise<Buffer> {
  const { status, body } = await connection.get(path);
  if (status !== 200) throw new Error(`GET ${path} was answered with ${status}: ${body.toString()}`);
  return body;
}

async function eachConnection(
  target: Target,
  count: number,
  work: (connection: Connection) => Promise<void>,
): Promise<void> {
  const connections = await Promise.all(Array.from({ length: count }, () => Connection.open(target)));
  try {
    await Promise.all(connections.map(work));
  } finally {
    for (const connection of connections) connection.close();
  }
}

class Samples {
  readonly #times: number[] = [];
  #bytes = 0;

  add(milliseconds: number, bytes: number): void {
    this.#times.push(milliseconds);
    this.#bytes += bytes;
  }

  summary(seconds: number): Measured {
    const sorted = this.#times.sort((one, other) => one - other);
    const at = (share: number) =>
      sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
    return {
      pagesPerSecond: sorted.length / seconds,
      p50: at(0.5),
      p99: at(0.99),
      longest: at(1),
      bytesPerPage: this.#bytes / sorted.length,
    };
  }
}
