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
});

export type Settings = z.output<typeof settingsSchema>;
