/** The loader replaces $LIB (ld.so(8)). */
const library = '/usr/$LIB/faketime/libfaketime.so.1';

/**
 * What comes before a command so that it has another clock, such as `+80d`; nothing for undefined. The program `faketime` would
 * stay between and keep signals to itself.
 */
export function underClock(clock: string | undefined): string[] {
  return clock === undefined ? [] : ['env', `LD_PRELOAD=${library}`, `FAKETIME=${clock}`];
}
