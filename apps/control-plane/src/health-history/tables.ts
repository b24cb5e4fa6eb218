import type { Averaged, Resolution } from './resolutions.ts';

export interface HealthHistoryTables {
  server_health_samples: {
    server_id: string;
    resolution: Resolution;
    /** Of an average: the beginning of its bucket. */
    at: string;
    /** JSON, name of a metric → number. */
    metric_values: string;
    /** Of an average: samples in it. */
    sample_count: number | null;
    /** JSON of the metrics that are not in all of these samples, name → number of samples; null when there is none. */
    metric_counts: string | null;
    /**
     * Of an average over five minutes: 1 when the samples that it was made of are gone, so that it can only be added to;
     * 0 while it can be made anew. Null for all others.
     */
    is_closed: number | null;
  };
  /** Buckets whose average is to be made, because samples have come. */
  server_health_rollups: { server_id: string; resolution: Averaged; at: string };
}
