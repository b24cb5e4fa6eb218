import { type MonitoredProcess, monitoredProcesses } from '@culvert/contracts';
import { z } from 'zod';
import { readIfThere, writeDurably } from './durable-file.ts';

/** What an administrator has stopped, so that a monitor does not start it again. */
export interface Intents {
  read(): ReadonlySet<MonitoredProcess>;
  /** Returns when it is on disk. */
  write(stopped: ReadonlySet<MonitoredProcess>): void;
}

const intentsSchema = z.strictObject({ stopped: z.array(z.enum(monitoredProcesses)) });

/** `intents.json`. */
export class IntentsFile implements Intents {
  readonly #file: string;
  #stopped: ReadonlySet<MonitoredProcess>;

  /** Throws when the file is not what a monitor has written. */
  constructor(file: string) {
    this.#file = file;
    const text = readIfThere(file);
    this.#stopped = new Set(text === undefined ? [] : parse(file, text));
  }

  read(): ReadonlySet<MonitoredProcess> {
    return this.#stopped;
  }

  write(stopped: ReadonlySet<MonitoredProcess>): void {
    writeDurably(this.#file, `${JSON.stringify({ stopped: [...stopped] })}\n`);
    this.#stopped = stopped;
  }
}

function parse(file: string, text: string): MonitoredProcess[] {
  try {
    return intentsSchema.parse(JSON.parse(text)).stopped;
  } catch (error) {
    throw new Error(`${file} cannot be read; delete it to have everything started`, { cause: error });
  }
}
