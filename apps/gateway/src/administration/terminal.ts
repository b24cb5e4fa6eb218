import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';

/** What a command may do with the person in front of it. */
export interface Terminal {
  /** True when a person types; false when standard input is a pipe or a file. */
  readonly interactive: boolean;
  print(text: string): void;
  complain(text: string): void;
  /** One line of standard input; typed without echo on a terminal. */
  readSecret(prompt: string): Promise<string>;
}

/** The terminal of this process. */
export function processTerminal(): Terminal {
  let hasPrinted = false;
  const print = (text: string) => {
    // A gateway that runs prints nothing, and goes on when the reader of its log has gone.
    if (!hasPrinted) process.stdout.on('error', endWithReader);
    hasPrinted = true;
    process.stdout.write(`${text}\n`);
  };
  return {
    interactive: process.stdin.isTTY === true,
    print,
    complain: (text) => process.stderr.write(`${text}\n`),
    readSecret,
  };
}

/** `gateway check | head` closes our output early; that is no reason to complain. */
function endWithReader(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
}

function readSecret(prompt: string): Promise<string> {
  process.stderr.write(prompt);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({
    input: process.stdin,
    output: silent,
    terminal: process.stdin.isTTY === true,
  });
  return new Promise((resolve, reject) => {
    let answer: string | undefined;
    lines.once('line', (line) => {
      answer = line;
      lines.close();
    });
    lines.once('SIGINT', () => lines.close());
    lines.once('close', () => {
      if (prompt !== '') process.stderr.write('\n');
      if (answer === undefined) reject(new Error('no password was given on standard input'));
      else resolve(answer);
    });
  });
}
