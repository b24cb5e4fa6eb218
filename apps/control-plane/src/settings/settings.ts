import { z } from 'zod';

/** Every setting that administrators change at run time. What is not set has its default. */
export const settingsSchema = z.strictObject({
  auditRetentionDays: z
    .int()
    .min(30)
    .max(3650)
    .default(400)
    .describe('Days after which entries of the audit log are deleted: 30 to 3650'),
  imageRegistryUrl: z
    .url({
      protocol: /^https?$/,
      error: 'expected the address of a registry of images, such as https://registry.example.com',
    })
    .max(1024)
    .nullable()
    .default(null)
    .describe('Registry of images that servers upgrade from; each server tells whether it reaches it'),
  offerOwnVersion: z
    .boolean()
    .default(true)
    .describe('Whether a control plane that starts adds its own version to the releases'),
  upgradeDelayMinutes: z
    .int()
    .min(0)
    .max(43_200)
    .default(10)
    .describe(
      'Minutes after its publication before sites are upgraded to a release by themselves: 0 to 43200',
    ),
  upgradeSoakSeconds: z
    .int()
    .min(0)
    .max(3600)
    .default(60)
    .describe(
      'Seconds for which a server must be healthy after its upgrade before the next one begins: 0 to 3600',
    ),
});

export type Settings = z.output<typeof settingsSchema>;
