import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { undoAtExit } from './cleanup.ts';

export interface BackgroundOptions {
  /** Text for standard input, which is closed afterwards; without it standard input is empty. */
  input?: string;
  environment?: Record<string, string>;
  directory?: string;
}

export interface Ending {
  code: number | undefined;
  signal: NodeJS.Signals | undefined;
}

export const graceMilliseconds = 5_000;

/** A process that runs beside the test; it never outlives this one. */
export class Background {
  readonly command: readonly string[];
  readonly ended: Promise<Ending>;
  /** Standard output and standard error, in the order of arrival. */
  output = '';
  readonly #child: ChildProcess;
  #ending: Ending | undefined;
  #listeners = new Set<() => void>();

  constructor(command: readonly string[], options: BackgroundOptions = {}) {
    const [program, ...parameters] = command;
    if (program === undefined) throw new Error('an empty command cannot be started');
    this.command = command;
    const child = spawn(program, parameters, {
      cwd: options.directory,
      env: { ...process.env, ...options.environment },
      stdio: 'pipe',
    });
    this.#child = child;
    const forget = undoAtExit(() => child.kill('SIGKILL'));
    const collect = (text: string) => {
      this.output += text;
      this.#announce();
    };
    child.stdout.setEncoding('utf8').on('data', collect);
    child.stderr.setEncoding('utf8').on('data', collect);
    child.stdin.on('error', () => undefined).end(options.input ?? '');
    this.ended = new Promise((resolve) => {
      const finish = (ending: Ending) => {
        forget();
        this.#ending = ending;
        resolve(ending);
        this.#announce();
      };
      child.on('error', (error) => {
        this.output += `${error.message}\n`;
        finish({ code: 127, signal: undefined });
      });
      // `exit` and not `close`: a grandchild may hold the pipes open for long.
      child.on('exit', (code, signal) => {
        setTimeout(() => finish({ code: code ?? undefined, signal: signal ?? undefined }), 50);
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get running(): boolean {
    return this.#ending === undefined;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Waits until the output matches from `from` on; fails when the process ends or the time is over first. */
  async waitFor(pattern: RegExp, timeoutMilliseconds: number, from = 0): Promise<RegExpExecArray> {
    const deadline = Date.now() + timeoutMilliseconds;
    for (;;) {
      const match = pattern.exec(this.output.slice(from));
      if (match !== null) return match;
      if (this.#ending !== undefined) throw this.#complaint(`ended before it printed ${pattern}`);
      const left = deadline - Date.now();
      if (left <= 0) throw this.#complaint(`did not print ${pattern} within ${timeoutMilliseconds} ms`);
      await this.#change(left);
    }
  }

  /** Waits for the end; fails when the time is over first. */
  async waitForEnd(timeoutMilliseconds: number): Promise<Ending> {
    const abort = new AbortController();
    const late = sleep(timeoutMilliseconds, undefined, { signal: abort.signal }).catch(() => undefined);
    const ending = await Promise.race([this.ended, late]);
    abort.abort();
    if (ending === undefined) throw this.#complaint(`still ran after ${timeoutMilliseconds} ms`);
    return ending;
  }

  /** Ends it: first politely, then by force. */
  async stop(signal: NodeJS.Signals = 'SIGTERM', patienceMilliseconds = graceMilliseconds): Promise<Ending> {
    this.signal(signal);
    try {
      return await this.waitForEnd(patienceMilliseconds);
    } catch {
      this.signal('SIGKILL');
      return this.ended;
    }
  }

  #announce(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  #change(timeoutMilliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#listeners.delete(done);
        resolve();
      };
      const timer = setTimeout(done, timeoutMilliseconds);
      this.#listeners.add(done);
    });
  }

  #complaint(what: string): Error {
    return new Error(`"${this.command.join(' ')}" ${what}; its output:\n${this.output.slice(-6000)}`);
  }
}
