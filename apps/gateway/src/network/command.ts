import { execFile } from 'node:child_process';

/** A command of the host failed; the message names it and carries what it said. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

/** Runs a command of the host without a shell; rejects with a `CommandError`. */
export type RunCommand = (command: string, parameters: string[], input?: string) => Promise<string>;

/** Long enough for a machine under full load, short enough that a stop does not hang. */
const patience = 10_000;

/** The commands of this host. */
export const runCommand: RunCommand = (command, parameters, input) =>
  new Promise((resolve, reject) => {
    const child = execFile(command, parameters, { timeout: patience }, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      const said = stderr.trim() === '' ? error.message : stderr.trim();
      const missing = error.code === 'ENOENT' ? `the command ${command} is not installed` : undefined;
      reject(new CommandError(missing ?? `${command} ${parameters.join(' ')}: ${said}`));
    });
    // A command that refuses early closes its input; its exit status tells the rest.
    child.stdin?.on('error', () => {});
    child.stdin?.end(input ?? '');
  });
