/** What is known when an agent checks in. */
export interface Situation {
  desired: string;
  /** In use on the server. */
  applied: string | undefined;
  /** The last one that the server has tried. */
  tried: string | undefined;
  /** A restart is ordered, and the desired configuration is applied with it. */
  isRestarting: boolean;
}

/** Whether the desired configuration is offered: not while it is in use, and one that failed only with a restart. */
export function isOffered({ desired, applied, tried, isRestarting }: Situation): boolean {
  if (desired === applied) return false;
  return desired !== tried || isRestarting;
}
