import { join } from 'node:path';
import { configurationReportSchema, desiredConfigurationSchema, revisionSchema } from '@culvert/contracts';
import { z } from 'zod';
import { removeDurably } from '../files/durable-file.ts';
import { JsonFile } from '../files/json-file.ts';

/** How a configuration is brought into use: while the gateway runs, or with a restart of the server. */
export const applyModes = ['reload', 'restart'] as const;
export type ApplyMode = (typeof applyModes)[number];

const stateSchema = z.strictObject({
  /** What the site wants, as it was told last. */
  desired: desiredConfigurationSchema.optional(),
  /** What became of it. */
  report: configurationReportSchema.optional(),
  appliedRevision: revisionSchema.optional(),
});
export type ConfigurationState = z.output<typeof stateSchema>;

/** The settings that the gateway was well with; also the way back while a change is under way. */
const lastGoodSchema = desiredConfigurationSchema.omit({ revision: true }).extend({
  revision: revisionSchema.optional(),
});

/** Written before a change and removed after it: who finds it finishes the change, or takes it back. */
const changeSchema = z.strictObject({
  desired: desiredConfigurationSchema,
  mode: z.enum(applyModes),
  begunAt: z.iso.datetime(),
});
export type Change = z.output<typeof changeSchema>;

const remedy = 'it was put aside: the control plane sends the configuration again';

/** What the agent keeps of the configuration of its gateway. */
export class ConfigurationStore {
  readonly state: JsonFile<typeof stateSchema>;
  readonly lastGood: JsonFile<typeof lastGoodSchema>;
  readonly change: JsonFile<typeof changeSchema>;

  constructor(directory: string) {
    this.state = new JsonFile(join(directory, 'configuration.json'), stateSchema, remedy);
    this.lastGood = new JsonFile(join(directory, 'last-good.json'), lastGoodSchema, remedy);
    this.change = new JsonFile(join(directory, 'change.json'), changeSchema, remedy);
  }

  endChange(): Promise<void> {
    return removeDurably(this.change.path);
  }
}
