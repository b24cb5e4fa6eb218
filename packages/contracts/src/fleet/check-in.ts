import { z } from 'zod';
import { commandResultSchema, commandSchema } from './commands.ts';
import {
  agentSettingsSchema,
  desiredConfigurationSchema,
  revisionSchema,
  versionSchema,
} from './desired-state.ts';
import { healthReasonsSchema, healthSampleSchema } from './health-metrics.ts';

/** Samples of one check-in: an hour of minutes. An agent that has more sends them with its next ones. */
export const mostSamples = 60;

/** What became of a configuration on a server. */
export const configurationReportSchema = z.strictObject({
  revision: revisionSchema,
  status: z.enum(['applied', 'failed']),
  /** Why it failed, with the field and the remedy. */
  reason: z.string().max(4000).optional(),
  at: z.iso.datetime(),
});
export type ConfigurationReport = z.output<typeof configurationReportSchema>;

/** An upgrade of this server, as its monitor tells. `failed` means that it is back at the version that it had. */
export const upgradeReportSchema = z.strictObject({
  version: versionSchema,
  state: z.enum(['running', 'done', 'failed']),
  reason: z.string().max(1000).optional(),
  at: z.iso.datetime(),
});
export type UpgradeReport = z.output<typeof upgradeReportSchema>;

/** `POST /agent/v1/check-in`: what an agent tells, each minute and whenever something has changed. */
export const checkInSchema = z.strictObject({
  /** By the clock of the server: it tells how far that is off. */
  sentAt: z.iso.datetime().optional(),
  hostName: z.string().max(253),
  versions: z.strictObject({
    agent: versionSchema,
    /** Absent while no gateway answers. */
    gateway: versionSchema.optional(),
    engine: versionSchema.optional(),
  }),
  /** Digests of the images, in containers. */
  digests: z.strictObject({
    agent: z.string().max(200).optional(),
    server: z.string().max(200).optional(),
  }),
  /** The last configuration that was tried; absent when none was yet. */
  configuration: configurationReportSchema.optional(),
  /** The revision in use: the last one that was applied. */
  appliedRevision: revisionSchema.optional(),
  upgrade: upgradeReportSchema.optional(),
  sessions: z.strictObject({
    connected: z.int().min(0),
    away: z.int().min(0),
    /** Connections that this server can hold, by its pool of addresses and its limits. */
    capacity: z.int().min(0),
  }),
  /** Oldest first. */
  samples: z.array(healthSampleSchema).max(mostSamples),
  reasons: healthReasonsSchema,
  commandResults: z.array(commandResultSchema).max(100),
  /** Where verbose logs are on, and the level of before comes back when they end. */
  logsAreVerbose: z.boolean(),
});
export type CheckIn = z.output<typeof checkInSchema>;

/** The answer: what this server is to be. */
export const checkInAnswerSchema = z.strictObject({
  serverTime: z.iso.datetime(),
  /** Seconds until the next check-in; the agent adds its jitter. */
  nextCheckInSeconds: z.int().min(5).max(3600),
  /** Absent when it is the one of `appliedRevision`, or the last one tried. */
  configuration: desiredConfigurationSchema.optional(),
  settings: agentSettingsSchema,
  /** The version that this server is to run; absent when it may stay as it is. */
  desiredVersion: versionSchema.optional(),
  commands: z.array(commandSchema).max(100),
  /** What `POST /agent/v1/wait` is asked with next. */
  cursor: z.string().max(200),
});
export type CheckInAnswer = z.output<typeof checkInAnswerSchema>;

/** Seconds that the control plane holds a request to `/agent/v1/wait` at most. */
export const longestWaitSeconds = 50;

/** `POST /agent/v1/wait`: answered when something has changed since the cursor, or after `longestWaitSeconds`. */
export const waitSchema = z.strictObject({ cursor: z.string().max(200) });
export const waitAnswerSchema = z.strictObject({ hasChanged: z.boolean() });
