import { spawn } from 'node:child_process';

export interface CommandOptions {
  /** Text for standard input; without it standard input is empty. */
  input?: string;
  environment?: Record<string, string>;
  directory?: string;
  /** The command is killed after this time and counts as failed. */
  timeoutMilliseconds?: number;
}

export interface CommandResult {
  /** Exit code; 128 + signal number when a signal ended it, 124 after the time limit. */
  code: number;
  stdout: string;
  stderr: string;
}

/** A command that had to succeed and did not; the message carries everything it printed. */
export class CommandFailed extends Error {
  readonly result: CommandResult;
  constructor(command: readonly string[], result: CommandResult) {
    super(`"${command.join(' ')}" ended with ${result.code}\n${result.stdout}${result.stderr}`.trimEnd());
    this.name = 'CommandFailed';
    this.result = result;
  }
}

const defaultTimeoutMilliseconds = 60_000;

/** Runs a command to its end, whatever its exit code. */
export function attempt(command: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const [program, ...parameters] = command;
  if (program === undefined) throw new Error('an empty command cannot be run');
  return new Promise((resolve, reject) => {
    const child = spawn(program, parameters, {
      cwd: options.directory,
      env: { ...process.env, ...options.environment },
      stdio: 'pipe',
    });
    let stdout = '';
    let stderr = '';
    let late = false;
    const limit = options.timeoutMilliseconds ?? defaultTimeoutMilliseconds;
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, limit);
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    // A program that ends without reading its input is not an error of the lab.
    child.stdin.on('error', () => undefined).end(options.input ?? '');
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      if (late) stderr += `\n(killed after ${limit} ms)`;
      resolve({ code: late ? 124 : (code ?? 128), stdout, stderr });
    });
  });
}

/** Runs a command that must succeed. */
export async function execute(
  command: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const result = await attempt(command, options);
  if (result.code !== 0) throw new CommandFailed(command, result);
  return result;
}
