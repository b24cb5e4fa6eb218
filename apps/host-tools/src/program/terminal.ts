import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';

/** Ctrl-C at a question. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

/** Standard input ended before the answer. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

/** Something that takes long, told on one line of a terminal; nothing is told elsewhere. */
export interface Progress {
  update(text: string): void;
  /** Takes the line away. */
  end(): void;
}

export type Colour = 'green' | 'yellow' | 'red' | 'grey' | 'bold';

/** What a tool may do with the person in front of it. */
export interface Terminal {
  print(text: string): void;
  complain(text: string): void;
  /** The text in a colour, where standard output shows colours. */
  paint(colour: Colour, text: string): string;
  /** True when a person can answer. */
  readonly isInteractive: boolean;
  /** Columns of standard output. */
  readonly columns: number;
  /** Asks and resolves to the line that was typed, without space around it; a secret is not shown. Rejects with Interrupted or NoAnswer. */
  ask(question: string, options?: { secret?: boolean }): Promise<string>;
  /** Everything that comes on standard input. */
  readInput(): Promise<string>;
  /** Shows that something goes on, from a second after the call. */
  progress(text: string): Progress;
}

const codes: Record<Colour, readonly [number, number]> = {
  green: [32, 39],
  yellow: [33, 39],
  red: [31, 39],
  grey: [90, 39],
  bold: [1, 22],
};

/** Milliseconds before progress is shown, and between its pictures. */
const progressTimes = { before: 1000, between: 100 };
const pictures = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/** The terminal of this process. Colours only on a terminal that has not refused them (no-color.org). */
export function processTerminal(environment: NodeJS.ProcessEnv): Terminal {
  const { stdin, stdout, stderr } = process;
  const showsColours = stdout.isTTY && (environment.NO_COLOR ?? '') === '' && environment.TERM !== 'dumb';
  return {
    print: (line) => stdout.write(`${line}\n`),
    complain: (line) => stderr.write(`${line}\n`),
    paint(colour, painted) {
      const [on, off] = codes[colour];
      return showsColours ? `\u001b[${on}m${painted}\u001b[${off}m` : painted;
    },
    isInteractive: stdin.isTTY === true && stdout.isTTY === true,
    columns: stdout.columns ?? 80,
    ask: (question, { secret = false } = {}) => ask(question, secret),
    readInput: () => text(stdin),
    progress: (first) => (stderr.isTTY ? showProgress(first) : { update: () => {}, end: () => {} }),
  };
}

function ask(question: string, secret: boolean): Promise<string> {
  const { stdin, stdout } = process;
  // Readline repeats what is typed; of a secret nothing is repeated.
  const output = new Writable({
    write(chunk, _encoding, done) {
      if (secret) done();
      else stdout.write(chunk, () => done());
    },
  });
  const lines = createInterface({
    input: stdin,
    output,
    terminal: stdin.isTTY === true,
    historySize: 0,
    // Readline draws the line anew when it is edited, and the question with it.
    prompt: secret ? '' : question,
  });
  // Whoever answers at once must find a terminal that no longer repeats what is typed, and gives Ctrl-C to readline.
  if (secret) stdout.write(question);
  else lines.prompt();
  return new Promise<string>((resolve, reject) => {
    lines.once('line', (line) => {
      resolve(line.trim());
      lines.close();
    });
    lines.once('SIGINT', () => {
      reject(new Interrupted());
      lines.close();
    });
    lines.once('close', () => {
      if (secret && stdin.isTTY) stdout.write('\n');
      reject(new NoAnswer());
    });
  });
}

function showProgress(first: string): Progress {
  const { stderr } = process;
  let shown = first;
  let picture = 0;
  let isVisible = false;
  const draw = () => {
    picture = (picture + 1) % pictures.length;
    stderr.write(`\r\u001b[K${pictures[picture]} ${shown}`);
    isVisible = true;
  };
  let interval: NodeJS.Timeout | undefined;
  const begin = setTimeout(() => {
    draw();
    interval = setInterval(draw, progressTimes.between);
    interval.unref();
  }, progressTimes.before);
  begin.unref();
  return {
    update(next) {
      shown = next;
    },
    end() {
      clearTimeout(begin);
      clearInterval(interval);
      if (isVisible) stderr.write('\r\u001b[K');
    },
  };
}
