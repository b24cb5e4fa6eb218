import { constants } from 'node:os';

/**
 * What has to be undone when this process ends, in whichever way it ends. The actions run newest first and
 * are synchronous, because an `exit` handler cannot wait.
 */
const actions = new Set<() => void>();
let installed = false;

/** Registers an action; the returned function takes it off the list again without running it. */
export function undoAtExit(action: () => void): () => void {
  install();
  actions.add(action);
  return () => {
    actions.delete(action);
  };
}

function undoEverything(): void {
  for (const action of [...actions].reverse()) {
    actions.delete(action);
    try {
      action();
    } catch (error) {
      // One failed removal must not keep the others from happening.
      console.error('lab clean-up:', error);
    }
  }
}

function install(): void {
  if (installed) return;
  installed = true;
  process.on('exit', undoEverything);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      undoEverything();
      process.exit(128 + constants.signals[signal]);
    });
  }
}
