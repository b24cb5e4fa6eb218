/**
 * Megabytes for what lives as long as one request. A list page makes half a megabyte of rows and text; with Node's own 16 half of
 * them are still in use when space runs out and are copied for nothing, which costs a tenth of all pages.
 */
const heap = '--max-semi-space-size=32';

/** The flag can only be given to a process that begins. Replaces this one, unless it has the flag or cannot be replaced. */
export function useMemorySettings(): void {
  const { argv, connected, env, execArgv, execPath } = process;
  const isChosen = execArgv.some((parameter) => parameter.startsWith('--max-semi-space-size'));
  // The channel to the process that started this one would not survive; that one gives the flag itself.
  if (isChosen || connected || process.execve === undefined) return;
  process.execve(execPath, [execPath, heap, ...execArgv, ...argv.slice(1)], env);
}
