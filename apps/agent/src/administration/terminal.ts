import { text } from 'node:stream/consumers';

/** What a command may do with the person in front of it. */
export interface Terminal {
  print(text: string): void;
  complain(text: string): void;
  /** Everything that comes on standard input. */
  readInput(): Promise<string>;
}

export const processTerminal: Terminal = {
  print: (line) => process.stdout.write(`${line}\n`),
  complain: (line) => process.stderr.write(`${line}\n`),
  readInput: () => text(process.stdin),
};
