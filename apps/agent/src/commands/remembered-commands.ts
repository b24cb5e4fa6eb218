import {
  type Command,
  type CommandResult,
  commandOrderSchema,
  commandResultSchema,
} from '@culvert/contracts';
import { z } from 'zod';
import { type DamagedFile, JsonFile } from '../files/json-file.ts';
import { Lane } from '../lane.ts';

/** Commands that are remembered; the control plane has forgotten what is older. */
const mostCommands = 500;

const entrySchema = z.strictObject({
  id: z.string(),
  order: commandOrderSchema,
  begunAt: z.iso.datetime(),
  result: commandResultSchema.optional(),
  /** The control plane has the result. */
  isAcknowledged: z.boolean(),
});
export type RememberedCommand = z.output<typeof entrySchema>;

/** Written down before a command is carried out, so that none is carried out twice, whenever the process is killed. */
export class RememberedCommands {
  readonly #file: JsonFile<z.ZodArray<typeof entrySchema>>;
  /** Commands end while others begin, and each change is made to what the one before has left. */
  readonly #changes = new Lane();
  #entries: RememberedCommand[] = [];

  constructor(path: string) {
    this.#file = new JsonFile(
      path,
      z.array(entrySchema),
      'it was put aside, and a command that was under way may be carried out a second time',
    );
  }

  /** A server without its agent is worse than a command that is carried out twice: a damaged file is put aside. */
  async load(damaged: (error: DamagedFile) => void): Promise<void> {
    this.#entries = (await this.#file.readOrPutAside(damaged)) ?? [];
  }

  /** False when the command is known already. Resolves when it cannot be forgotten any more. */
  begin({ id, order }: Command, now: Date): Promise<boolean> {
    return this.#changes.run(async () => {
      if (this.#entries.some((entry) => entry.id === id)) return false;
      const entry = { id, order, begunAt: now.toISOString(), isAcknowledged: false };
      await this.#keep([...this.#entries, entry]);
      return true;
    });
  }

  end(result: CommandResult): Promise<void> {
    return this.#changes.run(() =>
      this.#keep(this.#entries.map((entry) => (entry.id === result.id ? { ...entry, result } : entry))),
    );
  }

  /** Those that were begun and never ended. */
  cutOff(): RememberedCommand[] {
    return this.#entries.filter(({ result }) => result === undefined);
  }

  /** Results that the control plane does not have yet. */
  toReport(): CommandResult[] {
    return this.#entries.flatMap(({ result, isAcknowledged }) =>
      result === undefined || isAcknowledged ? [] : [result],
    );
  }

  async acknowledge(results: readonly CommandResult[]): Promise<void> {
    if (results.length === 0) return;
    const ids = new Set(results.map(({ id }) => id));
    await this.#changes.run(() =>
      this.#keep(
        this.#entries.map((entry) => (ids.has(entry.id) ? { ...entry, isAcknowledged: true } : entry)),
      ),
    );
  }

  async #keep(entries: RememberedCommand[]): Promise<void> {
    const surplus = Math.max(0, entries.length - mostCommands);
    const kept = entries.filter((entry, index) => index >= surplus || !entry.isAcknowledged);
    await this.#file.write(kept);
    this.#entries = kept;
  }
}
