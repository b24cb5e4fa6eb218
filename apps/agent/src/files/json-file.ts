import type { z } from 'zod';
import { readIfThere, renameDurably, writeDurably } from './durable-file.ts';

/** A file of the agent cannot be used as it is. The message names it and says what to do. */
export class DamagedFile extends Error {
  override readonly name = 'DamagedFile';
  readonly file: string;

  constructor(file: string, what: string, remedy: string) {
    super(`${file} ${what}; ${remedy}`);
    this.file = file;
  }
}

/** A small JSON document on disk that is replaced as a whole. */
export class JsonFile<Schema extends z.ZodType> {
  readonly path: string;
  readonly #schema: Schema;
  readonly #remedy: string;

  /** `remedy` is what a person does when the file is damaged. */
  constructor(path: string, schema: Schema, remedy: string) {
    this.path = path;
    this.#schema = schema;
    this.#remedy = remedy;
  }

  /** Undefined when there is none. Throws DamagedFile when it cannot be understood. */
  async read(): Promise<z.output<Schema> | undefined> {
    const text = await readIfThere(this.path);
    if (text === undefined) return undefined;
    const parsed = this.#schema.safeParse(parse(text));
    if (parsed.success) return parsed.data;
    const issue = parsed.error.issues[0];
    const what = text.trim() === '' ? 'is empty' : `is damaged (${issue?.path.join('.') || 'its content'})`;
    throw new DamagedFile(this.path, what, this.#remedy);
  }

  /** As `read`; one that cannot be understood is put aside as `.damaged`, and `damaged` is told of it. */
  async readOrPutAside(damaged: (error: DamagedFile) => void): Promise<z.output<Schema> | undefined> {
    try {
      return await this.read();
    } catch (error) {
      if (!(error instanceof DamagedFile)) throw error;
      await renameDurably(this.path, `${this.path}.damaged`);
      damaged(error);
      return undefined;
    }
  }

  async write(value: z.output<Schema>): Promise<void> {
    await writeDurably(this.path, `${JSON.stringify(value, undefined, 2)}\n`);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
