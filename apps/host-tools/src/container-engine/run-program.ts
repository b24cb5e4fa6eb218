import { spawn } from 'node:child_process';
import type { OpenProgram, Outcome } from './container-engine.ts';

export interface ProgramOptions {
  /** Added to the environment of this process. */
  environment?: Readonly<Record<string, string>>;
  /** What it reads on standard input; nothing by default. */
  input?: string;
  timeoutMilliseconds: number;
}

/** A program did not end in time and was killed. */
export class ProgramTimeout extends Error {
  override readonly name = 'ProgramTimeout';
}

/** No answer of an engine is nearly as long. */
const longestOutput = 4 << 20;

/** Runs a program to its end, without a shell. Rejects with ENOENT when there is none, or a ProgramTimeout. */
export function runProgram(
  [program = '', ...parameters]: readonly string[],
  { environment = {}, input = '', timeoutMilliseconds }: ProgramOptions,
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, parameters, {
      // Messages that are understood here must not depend on the language of the host.
      env: { ...process.env, ...environment, LC_ALL: 'C.UTF-8' },
      stdio: 'pipe',
    });
    // One that ends before it has read everything says by its status how it went.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new ProgramTimeout(`${program} did not end within ${timeoutMilliseconds / 1000} seconds`));
    }, timeoutMilliseconds);
    const stdout = collect(child.stdout);
    const stderr = collect(child.stderr);
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.once('close', (code) => {
      clearTimeout(timer);
      // A signal has no status; every engine takes this one for a failure.
      resolve({ status: code ?? 255, stdout: stdout(), stderr: stderr() });
    });
  });
}

/** Runs a program whose output is read while it runs, without a shell and without input. The signal ends it. */
export function openProgram(
  [program = '', ...parameters]: readonly string[],
  signal: AbortSignal,
): OpenProgram {
  const child = spawn(program, parameters, { stdio: ['ignore', 'pipe', 'pipe'] });
  const end = () => child.kill('SIGTERM');
  signal.addEventListener('abort', end, { once: true });
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 0));
  });
  return {
    stdout: child.stdout,
    stderr: child.stderr,
    ended: ended.finally(() => signal.removeEventListener('abort', end)),
  };
}

function collect(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = [];
  let length = 0;
  stream.on('data', (chunk: Buffer) => {
    length += chunk.length;
    // Read on, so that the program is not held up.
    if (length <= longestOutput) chunks.push(chunk);
  });
  return () => Buffer.concat(chunks).toString('utf8');
}
