import type { Namespace } from '../network/namespace.ts';
import type { Background } from '../system/background.ts';

export interface PingResult {
  sent: number;
  received: number;
  /** Sequence numbers that never came back, in order. */
  lost: number[];
  /** Longest run of numbers in `lost` that follow each other. */
  longestGap: number;
}

/** Reads what `ping -D -O` printed. */
export function parsePing(output: string): PingResult {
  const answered = new Set<number>();
  let last = 0;
  for (const [line, number] of output.matchAll(/^.*icmp_seq=(\d+).*$/gm)) {
    const sequence = Number(number);
    last = Math.max(last, sequence);
    if (/ bytes from /.test(line)) answered.add(sequence);
  }
  const summary = /(\d+) packets transmitted/.exec(output);
  const sent = Math.max(last, Number(summary?.[1] ?? 0));
  const lost = Array.from({ length: sent }, (_, index) => index + 1).filter((one) => !answered.has(one));
  return { sent, received: answered.size, lost, longestGap: longestRun(lost) };
}

function longestRun(numbers: readonly number[]): number {
  let longest = 0;
  let current = 0;
  numbers.forEach((number, index) => {
    current = index > 0 && numbers[index - 1] === number - 1 ? current + 1 : 1;
    longest = Math.max(longest, current);
  });
  return longest;
}

/** Pings without an end, five a second, while something else happens. */
export class SteadyPing {
  static readonly perSecond = 5;
  readonly #process: Background;

  constructor(namespace: Namespace, address: string) {
    this.#process = namespace.start(['ping', '-D', '-O', '-n', '-i', '0.2', address]);
  }

  /** How many answers came so far. */
  get received(): number {
    return parsePing(this.#process.output).received;
  }

  async stop(): Promise<PingResult> {
    await this.#process.stop('SIGINT');
    return parsePing(this.#process.output);
  }
}

/** Pings a few times; true when every one was answered. */
export async function reaches(namespace: Namespace, address: string, count = 3): Promise<boolean> {
  const { code, stdout } = await namespace.attempt([
    ...['ping', '-n', '-c', String(count), '-i', '0.2', '-W', '2', address],
  ]);
  return code === 0 && parsePing(stdout).received === count;
}

/** True when not one of a few pings was answered. */
export async function reachesNothing(namespace: Namespace, address: string): Promise<boolean> {
  const { stdout } = await namespace.attempt(['ping', '-n', '-c', '3', '-i', '0.2', '-W', '1', address]);
  return parsePing(stdout).received === 0;
}
