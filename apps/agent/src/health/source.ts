import type { AgentSettings, HealthReasons, HealthSample } from '@culvert/contracts';

/** What was measured of this server in one moment. A metric that could not be measured is in `reasons` only. */
export interface HealthReading {
  values: HealthSample['values'];
  reasons: HealthReasons;
}

/** What the measurements need to know of the site; it comes with each check-in. */
export type HealthSettings = Pick<AgentSettings, 'internalNetworkProbeUrl' | 'imageRegistryUrl'>;

/** Measures the health of this server. It is asked once a minute and never twice at a time. */
export interface HealthSource {
  /**
   * The latest of every metric. It may take as long as it likes: whoever asks sets a limit, and a check-in never waits for
   * it. Throws only for a fault of its own.
   */
  sample(): Promise<HealthReading>;
  /** Takes over what the site wants measured. */
  configure(settings: HealthSettings): void;
  /** Ends what it does in the background. */
  close(): Promise<void>;
}
