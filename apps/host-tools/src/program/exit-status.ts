/** What every host tool ends with. */
export const exitStatus = { good: 0, failed: 1, wrongUse: 2 } as const;

/** Ended by Ctrl-C: 128 and the number of the signal, as a shell has it. */
export const interruptedStatus = 130;
