import { spawn } from 'node:child_process';
import { access, constants, mkdir, open, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { EngineError } from './engine.ts';

export interface EngineProcessOptions {
  /** Path of `culvert-engine`. */
  binary: string;
  /** Where the engine makes `engine.sock`. */
  runtimeDirectory: string;
  logDirectory: string;
}

/** A started engine; `ended` resolves when it is gone, with a sentence that tells how. */
export interface EngineProcess {
  pid: number;
  ended: Promise<string>;
}

/** Where the engine is: `CULVERT_ENGINE`, or what `cargo build --release` made in this repository. */
export function engineBinary(environment: NodeJS.ProcessEnv): string {
  const built = join(import.meta.dirname, '../../../../engine/target/release/culvert-engine');
  return environment.CULVERT_ENGINE ?? built;
}

/**
 * Starts an engine that outlives this process: a session of its own, so that no signal to the gateway's process group
 * reaches it, and no inherited pipe whose end would kill it.
 */
export async function startEngine({
  binary,
  runtimeDirectory,
  logDirectory,
}: EngineProcessOptions): Promise<EngineProcess> {
  await access(binary, constants.X_OK).catch(() => {
    throw new EngineError(
      `there is no engine at ${binary}: build it with "cargo build --release" in engine/, or set CULVERT_ENGINE to its path`,
    );
  });
  await mkdir(logDirectory, { recursive: true, mode: 0o750 });
  const logFile = join(logDirectory, 'engine.log');
  await setAsideLongLog(logFile);
  const log = await open(logFile, 'a', 0o640);
  try {
    const child = spawn(binary, ['--runtime-directory', runtimeDirectory], {
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
      cwd: '/',
      env: engineEnvironment(process.env),
    });
    const ended = new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(`cannot be started: ${error.message}`));
      child.once('exit', (code, signal) =>
        resolve(signal === null ? `ended with status ${code}` : `was ended by ${signal}`),
      );
    });
    child.unref();
    if (child.pid === undefined) throw new EngineError(`the engine ${await ended}`);
    return { pid: child.pid, ended };
  } finally {
    await log.close();
  }
}

/** Bytes of the engine's log before it is begun anew. It has a few lines for each start. */
const longestLog = 8 << 20;

async function setAsideLongLog(file: string): Promise<void> {
  const size = await stat(file).then(
    (found) => found.size,
    () => 0,
  );
  if (size > longestLog) await rename(file, `${file}.1`);
}

/** The gateway's environment may hold secrets; the engine needs none of it. */
function engineEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const wanted = ['PATH', 'RUST_LOG', 'RUST_BACKTRACE', 'TZ'];
  return Object.fromEntries(
    wanted.flatMap((name) => (name in environment ? [[name, environment[name]]] : [])),
  );
}
