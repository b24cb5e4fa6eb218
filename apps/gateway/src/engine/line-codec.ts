/** Longest line between gateway and engine: `list` of 64,000 sessions is about 40 MB. */
export const longestLine = 64 * 1024 * 1024;

const newline = 0x0a;

/** Cuts a stream of bytes into lines. Sans-IO: bytes in, lines out; a line that is too long is fatal. */
export class LineDecoder {
  readonly #limit: number;
  #parts: Buffer[] = [];
  #length = 0;

  constructor(limit = longestLine) {
    this.#limit = limit;
  }

  /** The lines that these bytes complete; throws a `RangeError` when a line exceeds the limit. */
  push(chunk: Buffer): string[] {
    const lines: string[] = [];
    let start = 0;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      this.#keep(chunk.subarray(start, end));
      lines.push(Buffer.concat(this.#parts).toString('utf8'));
      this.#parts = [];
      this.#length = 0;
      start = end + 1;
    }
    this.#keep(chunk.subarray(start));
    return lines;
  }

  #keep(part: Buffer): void {
    if (part.length === 0) return;
    this.#length += part.length;
    if (this.#length > this.#limit) throw new RangeError(`a line is longer than ${this.#limit} bytes`);
    this.#parts.push(part);
  }
}

/** One message as a line; JSON text holds no line break of its own. */
export function encodeLine(message: unknown): string {
  return `${JSON.stringify(message)}\n`;
}
