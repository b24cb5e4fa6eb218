import { z } from 'zod';
import { upgradeReportSchema } from './check-in.ts';
import { versionSchema } from './desired-state.ts';

/** Processes that the monitor of a host keeps running. */
export const monitoredProcesses = ['server', 'agent'] as const;
export type MonitoredProcess = (typeof monitoredProcesses)[number];

/** `GET /status` of `monitor.sock`. */
export const monitorStatusSchema = z.strictObject({
  /** The release in use. */
  version: versionSchema,
  /** Releases that are on this host. */
  available: z.array(versionSchema),
  processes: z.record(
    z.enum(monitoredProcesses),
    z.strictObject({
      state: z.enum(['running', 'stopped', 'waiting']),
      processId: z.int().optional(),
      /** Times that it ended by itself in the last hour. */
      endings: z.int(),
      /** How it ended last. */
      lastEnding: z.string().optional(),
    }),
  ),
  upgrade: upgradeReportSchema.optional(),
});
export type MonitorStatus = z.output<typeof monitorStatusSchema>;

/** `POST /upgrade`: answered at once with 202; how it goes is in the status. The release that runs already is no mistake. */
export const monitorUpgradeSchema = z.strictObject({ version: versionSchema });

/** `POST /restart`: answered when the process has been started again. A `server` ends with its engine. */
export const monitorRestartSchema = z.strictObject({ process: z.enum(monitoredProcesses) });
