import { type MonitoredProcess, monitoredProcesses, versionSchema } from '@culvert/contracts';
import { z } from 'zod';
import { readIfThere, writeDurably } from './durable-file.ts';
import { processIdentitySchema } from './process-identity.ts';

const recordSchema = z.strictObject({
  ...processIdentitySchema.shape,
  /** The release that it was started from. */
  version: versionSchema,
});
export type ProcessRecord = z.output<typeof recordSchema>;

const recordsSchema = z.partialRecord(z.enum(monitoredProcesses), recordSchema);

/**
 * `monitor-processes.json`: which processes a monitor has started, for the next one. A process is in it before it does anything.
 */
export class ProcessRecords {
  readonly #file: string;
  #records: z.output<typeof recordsSchema>;

  /** Throws when the file is not what a monitor has written. */
  constructor(file: string) {
    this.#file = file;
    const text = readIfThere(file);
    this.#records = text === undefined ? {} : recordsSchema.parse(JSON.parse(text));
  }

  get(name: MonitoredProcess): ProcessRecord | undefined {
    return this.#records[name];
  }

  set(name: MonitoredProcess, record: ProcessRecord | undefined): void {
    const { [name]: _before, ...others } = this.#records;
    this.#records = record === undefined ? others : { ...others, [name]: record };
    writeDurably(this.#file, `${JSON.stringify(this.#records)}\n`);
  }
}
