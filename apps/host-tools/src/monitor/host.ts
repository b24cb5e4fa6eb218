import type { MonitoredProcess, MonitorStatus } from '@culvert/contracts';
import type { Before, UpgradeWorld, WantedReleases } from './host-upgrade.ts';

/** What gateway and agent run in: processes of this host, or containers. Its methods must not overlap. */
export interface Host extends UpgradeWorld {
  /** Takes over what runs already. */
  adopt(): void;
  statuses(now: number): MonitorStatus['processes'];
  /** Versions that are here, oldest first. */
  versions(): Promise<string[]>;
  /** Rejects with a `ReleaseError` or a Failure when this version cannot be had here. Returns soon. */
  expect(version: string): Promise<void>;
  /** How the host is before an upgrade. */
  before(): Promise<Before>;
  start(name: MonitoredProcess): Promise<void>;
  /** Resolves when it has ended; a server ends with its engine. */
  stop(name: MonitoredProcess): Promise<void>;
  /** Resolves when it has been started again. */
  restart(name: MonitoredProcess): Promise<void>;
  /** Looks after both, and puts right what it can. */
  look(): Promise<void>;
  /** The gateway reads its configuration again. */
  reload(): Promise<void>;
  /** The monitor ends. */
  end(): Promise<void>;
}

/** What a host knows of the monitor that looks after it. */
export interface Watch {
  /** Aborted when the monitor ends. */
  signal: AbortSignal;
  /** Whether an administrator has stopped it and not started it again. */
  isStopped(name: MonitoredProcess): boolean;
  /** What is to run at this moment. */
  wanted(): WantedReleases;
}
