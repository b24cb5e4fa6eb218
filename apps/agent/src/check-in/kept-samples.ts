import { appendFile } from 'node:fs/promises';
import { type HealthSample, healthSampleSchema, mostSamples } from '@culvert/contracts';
import { readIfThere, writeDurably } from '../files/durable-file.ts';

/** A day of minutes. */
export const mostKept = 24 * 60;

/** Samples that the control plane does not have yet, one a line. The oldest go when there are too many. */
export class KeptSamples {
  readonly #file: string;
  #samples: HealthSample[] = [];
  #lines = 0;

  constructor(file: string) {
    this.#file = file;
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

  /** Rejects when it could not be written; it is kept in memory all the same. */
  async add(sample: HealthSample): Promise<void> {
    this.#samples.push(sample);
    if (this.#samples.length > mostKept) this.#samples.shift();
    this.#lines += 1;
    if (this.#lines > 2 * mostKept) await this.#rewrite();
    else await appendFile(this.#file, `${JSON.stringify(sample)}\n`, { mode: 0o600 });
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

  async #rewrite(): Promise<void> {
    await writeDurably(this.#file, this.#samples.map((sample) => `${JSON.stringify(sample)}\n`).join(''));
    this.#lines = this.#samples.length;
  }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
