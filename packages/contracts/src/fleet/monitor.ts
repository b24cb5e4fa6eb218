import { z } from 'zod';
import { upgradeReportSchema } from './check-in.ts';
import { versionSchema } from './desired-state.ts';

/** Processes that the monitor of a host keeps running. */
export const monitoredProcesses = ['server', 'agent'] as const;
export type MonitoredProcess = (typeof monitoredProcesses)[number];

/** `GET /status` of `monitor.sock`. Monitor and agent may be of different releases, so either may know more than the other. */
export const monitorStatusSchema = z.object({
  /** The release in use. */
  version: versionSchema,
  /** Releases that are on this host. */
  available: z.array(versionSchema),
  processes: z.record(
    z.enum(monitoredProcesses),
    z.object({
      state: z.enum(['running', 'stopped', 'waiting']),
      processId: z.int().optional(),
      /** Times that it ended by itself in the last hour. */
      endings: z.int(),
      /** Of its container's health check; absent where it runs in no container. */
      health: z.enum(['healthy', 'unhealthy', 'starting', 'none']).optional(),
      /** How it ended last. */
      lastEnding: z.string().optional(),
    }),
  ),
  upgrade: upgradeReportSchema.optional(),
});
export type MonitorStatus = z.output<typeof monitorStatusSchema>;

/** `POST /upgrade`: answered at once with 202; how it goes is in the status. The release that runs already is no mistake. */
export const monitorUpgradeSchema = z.strictObject({ version: versionSchema });

/**
 * `POST /start`, `/stop`, `/restart`: answered when it has been done. A `server` ends with its engine. What was stopped stays so
 * until it is started or restarted.
 */
export const monitorProcessSchema = z.strictObject({ process: z.enum(monitoredProcesses) });
