import { spawn } from 'node:child_process';
import type { Outcome } from './container-engine.ts';

export interface ProgramOptions {
  /** Added to the environment of this process. */
  environment?: Readonly<Record<string, string>>;
  timeoutMilliseconds: number;
}

/** A program did not end in time and was killed. */
export class ProgramTimeout extends Error {
  override readonly name = 'ProgramTimeout';
}

/** No answer of an engine is nearly as long. */
const longestOutput = 4 << 20;

/** Runs a program to its end, without a shell and without input. Rejects with ENOENT when there is none, or a ProgramTimeout. */
export function runProgram(
  [program = '', ...parameters]: readonly string[],
  { environment = {}, timeoutMilliseconds }: ProgramOptions,
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, parameters, {
      // Messages that are understood here must not depend on the language of the host.
      env: { ...process.env, ...environment, LC_ALL: 'C.UTF-8' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
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

/** Streams the output of a program to this process. Resolves to its exit status. */
export function streamProgram(
  [program = '', ...parameters]: readonly string[],
  signal: AbortSignal,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, parameters, { stdio: ['ignore', 'inherit', 'inherit'] });
    const end = () => child.kill('SIGTERM');
    signal.addEventListener('abort', end, { once: true });
    child.once('error', reject);
    child.once('close', (code) => {
      signal.removeEventListener('abort', end);
      resolve(code ?? 0);
    });
  });
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
