import { Lab } from '@culvert/lab/lab.ts';
import type { ServerKind, ServerSettings } from '@culvert/lab/server/server.ts';

/** Name of a server in tables. */
export const serverNames: Record<ServerKind, string> = { culvert: 'Culvert', ocserv: 'ocserv' };

/** Gives `work` one running lab for each server, and removes them all afterwards. */
export async function sideBySide<Result>(
  kinds: readonly ServerKind[],
  settings: Partial<ServerSettings>,
  work: (labs: ReadonlyMap<ServerKind, Lab>) => Promise<Result>,
): Promise<Result> {
  const labs = new Map<ServerKind, Lab>();
  try {
    // One after the other: starting is work for the same two cores.
    for (const kind of kinds) labs.set(kind, await Lab.start({ server: kind, settings }));
    return await work(labs);
  } finally {
    for (const lab of labs.values()) await lab.remove();
  }
}

/** Order of the servers in a round: it turns, so that none is always the first. */
export function orderOfRound<Item>(items: readonly Item[], round: number): Item[] {
  const shift = round % Math.max(1, items.length);
  return [...items.slice(shift), ...items.slice(0, shift)];
}
