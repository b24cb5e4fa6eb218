import { appendFile } from 'node:fs/promises';
import { type HealthSample, healthSampleSchema, mostSamples } from '@culvert/contracts';
import type { Logger } from 'pino';
import { readIfThere, writeDurably } from '../files/durable-file.ts';
import { Lane } from '../lane.ts';

/** A day of minutes. */
export const mostKept = 24 * 60;

/**
 * Samples that the control plane does not have yet, one a line. The oldest go when there are too many. A disk that is full is
 * no reason to keep the control plane from hearing of it: samples are in memory then, and are told all the same.
 */
export class KeptSamples {
  readonly #file: string;
  readonly #logger: Pick<Logger, 'error'>;
  /** A line that is added to a file while it is replaced would be lost. */
  readonly #writes = new Lane();
  #samples: HealthSample[] = [];
  #lines = 0;
  #isWritable = true;

  constructor(file: string, logger: Pick<Logger, 'error'>) {
    this.#file = file;
    this.#logger = logger;
  }

  /** Lines that cannot be read are left out: the last one of a process that was killed is cut off. */
  async load(): Promise<void> {
    const text = (await readIfThere(this.#file)) ?? '';
    const read = text.split('\n').flatMap((line) => {
      const sample = healthSampleSchema.safeParse(parse(line));
      return sample.success ? [sample.data] : [];
    });
    this.#samples = read.slice(-mostKept);
    await this.#rewrite();
  }

  async add(sample: HealthSample): Promise<void> {
    this.#samples.push(sample);
    if (this.#samples.length > mostKept) this.#samples.shift();
    this.#lines += 1;
    // A line may have been cut off by a full disk.
    if (this.#lines > 2 * mostKept || !this.#isWritable) await this.#rewrite();
    else await this.#write(() => appendFile(this.#file, `${JSON.stringify(sample)}\n`, { mode: 0o600 }));
  }

  /** The oldest ones, as many as a check-in takes. */
  oldest(): HealthSample[] {
    return this.#samples.slice(0, mostSamples);
  }

  get count(): number {
    return this.#samples.length;
  }

  /** The control plane has these. */
  async acknowledge(samples: readonly HealthSample[]): Promise<void> {
    if (samples.length === 0) return;
    const gone = new Set(samples);
    this.#samples = this.#samples.filter((sample) => !gone.has(sample));
    await this.#rewrite();
  }

  #rewrite(): Promise<void> {
    // Of this moment: what is added later has a write of its own behind this one.
    const text = this.#samples.map((sample) => `${JSON.stringify(sample)}\n`).join('');
    this.#lines = this.#samples.length;
    return this.#write(() => writeDurably(this.#file, text));
  }

  async #write(task: () => Promise<void>): Promise<void> {
    try {
      await this.#writes.run(task);
      this.#isWritable = true;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (this.#isWritable) this.#logger.error({ reason }, 'samples of health do not outlast a restart');
      this.#isWritable = false;
    }
  }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
