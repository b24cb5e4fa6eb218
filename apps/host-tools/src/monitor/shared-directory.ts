import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';

/** The part of `gateway.json` that says where its sockets are; the rest is the gateway's own business. */
const stateSchema = z.object({ stateDirectory: z.string() });

/**
 * Throws when the gateway of this directory keeps its sockets elsewhere: monitor and agent would not find it. A file that is
 * missing or damaged is no matter here, because the gateway itself says what is wrong with it.
 */
export function requireSharedDirectory(directory: string): void {
  const file = join(directory, 'gateway.json');
  const state = stateSchema.safeParse(readJson(file));
  if (!state.success) return;
  const { stateDirectory } = state.data;
  if (resolve(directory, stateDirectory) === resolve(directory)) return;
  throw new Error(
    `${file}: stateDirectory: found ${JSON.stringify(stateDirectory)}; must be "." for a server that has a monitor, so that gateway, agent and monitor share ${directory}`,
  );
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    // See above.
    return undefined;
  }
}
