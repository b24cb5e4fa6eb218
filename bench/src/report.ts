import type { ServerKind } from '@culvert/lab/server/server.ts';

export type DatabaseKind = 'sqlite' | 'postgresql';

export interface BenchmarkOptions {
  servers: readonly ServerKind[];
  rounds: number;
  /** Length of one throughput measurement. */
  seconds: number;
  /** Clients of the benchmark of sessions, sign-ins of the benchmark of sign-in, agents of the benchmark of the fleet. */
  clients: number;
  /** Of the control plane in the benchmark of the fleet. */
  database: DatabaseKind;
  /** Tells a waiting person where the benchmark stands. */
  say: (line: string) => void;
}

export interface BenchmarkReport {
  benchmark: string;
  /** For people and for docs/performance.md. */
  markdown: string;
  /** For machines: medians first, then every single sample. */
  results: unknown;
  samples: unknown;
}
