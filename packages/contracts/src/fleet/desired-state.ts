import { z } from 'zod';
import { serverConfigurationSchema } from '../server-configuration.ts';

/** Names one state of a configuration: the start of the SHA-256 of its content, in hex. The same content has the same revision. */
export const revisionSchema = z.string().regex(/^[0-9a-f]{16}$/);

/** A version of the product as `MAJOR.MINOR.PATCH`, perhaps with `-SUFFIX`. */
export const versionSchema = z
  .string()
  .max(64)
  .regex(/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/, { error: 'expected a version such as 1.4.0' });

/** What a site wants of the gateway of each of its servers. */
export const desiredConfigurationSchema = z.strictObject({
  revision: revisionSchema,
  publicAddress: z.string().max(253),
  serverConfiguration: serverConfigurationSchema,
});
export type DesiredConfiguration = z.output<typeof desiredConfigurationSchema>;

/** What a site wants of the agent itself. Changes are taken over without a restart of anything. */
export const agentSettingsSchema = z.strictObject({
  /** Asked for from the server, to tell whether it reaches the internal network. */
  internalNetworkProbeUrl: z.string().max(1024).nullable(),
  /** Address of the registry of images, asked for from the server. */
  imageRegistryUrl: z.string().max(1024).nullable(),
  /** Until when the logs of this server are verbose; absent when they are as the administrator of the host has set them. */
  verboseLogsUntil: z.iso.datetime().optional(),
});
export type AgentSettings = z.output<typeof agentSettingsSchema>;
