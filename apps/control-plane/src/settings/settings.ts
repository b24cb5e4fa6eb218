import { z } from 'zod';

/** Every setting that administrators change at run time. What is not set has its default. */
export const settingsSchema = z.strictObject({
  auditRetentionDays: z
    .int()
    .min(30)
    .max(3650)
    .default(400)
    .describe('Days after which entries of the audit log are deleted: 30 to 3650'),
});

export type Settings = z.output<typeof settingsSchema>;
