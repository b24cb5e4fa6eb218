import type { CheckInRecord } from './simulated-agent.ts';

/** What a span of check-ins came to. Milliseconds; a share that was never reached is NaN. */
export interface Summary {
  checkIns: number;
  answered: number;
  p50: number;
  p95: number;
  p99: number;
  longest: number;
  /** How often each other outcome came: a status of HTTP, or what was wrong with the connection. */
  refusals: Record<string, number>;
}

export function summarize(records: readonly CheckInRecord[]): Summary {
  const answered = records.filter(({ outcome }) => outcome === 200);
  const times = answered.map(({ milliseconds }) => milliseconds).sort((one, other) => one - other);
  const at = (share: number) =>
    times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN;
  const refusals: Record<string, number> = {};
  for (const { outcome } of records) {
    if (outcome !== 200) refusals[outcome] = (refusals[outcome] ?? 0) + 1;
  }
  return {
    checkIns: records.length,
    answered: answered.length,
    p50: at(0.5),
    p95: at(0.95),
    p99: at(0.99),
    longest: at(1),
    refusals,
  };
}

/** Milliseconds from `since` until the last of the agents had its first answer; undefined while some have none. */
export function allAnsweredAfter(
  records: readonly CheckInRecord[],
  agents: number,
  since: number,
): number | undefined {
  const first = new Map<number, number>();
  for (const { agent, at, milliseconds, outcome } of records) {
    const end = at + milliseconds;
    if (outcome === 200 && end >= since) first.set(agent, Math.min(end, first.get(agent) ?? end));
  }
  return first.size < agents ? undefined : Math.max(...first.values()) - since;
}
