import { type Colour, NoAnswer, type Progress, type Terminal } from './terminal.ts';

/** A terminal of a test: keeps what is said, and answers questions in order. */
export class RecordedTerminal implements Terminal {
  printed = '';
  complained = '';
  readonly questions: string[] = [];
  readonly columns = 100;
  readonly isInteractive: boolean;
  readonly #answers: string[];
  readonly #input: string;

  constructor({ answers, input = '' }: { answers?: string[]; input?: string } = {}) {
    this.isInteractive = answers !== undefined;
    this.#answers = answers ?? [];
    this.#input = input;
  }

  print(text: string): void {
    this.printed += `${text}\n`;
  }

  complain(text: string): void {
    this.complained += `${text}\n`;
  }

  paint(_colour: Colour, text: string): string {
    return text;
  }

  async ask(question: string): Promise<string> {
    this.questions.push(question);
    const answer = this.#answers.shift();
    if (answer === undefined) throw new NoAnswer();
    return answer;
  }

  async readInput(): Promise<string> {
    return this.#input;
  }

  progress(): Progress {
    return { update: () => {}, end: () => {} };
  }
}
