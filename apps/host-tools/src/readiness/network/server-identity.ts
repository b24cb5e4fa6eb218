import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { ServerFiles } from '../server-files.ts';

/** What `agent/agent.json` says of the control plane that this server has joined. */
const membershipSchema = z.object({
  url: z.url({ protocol: /^https$/ }),
  /** PEM. */
  authority: z.string(),
});

/** The way to the listener of agents that this server has, and whom it trusts there. */
export interface ServerIdentity {
  url: string;
  authority: string;
  /** Absent when this account may not read the key. */
  credentials?: { cert: string; key: string };
}

/** Reads what joining has left; undefined when this server has not joined, or this account may not read it. */
export async function serverIdentityOf({ directory }: ServerFiles): Promise<ServerIdentity | undefined> {
  const read = (name: string) => readFile(join(directory, 'agent', name), 'utf8').catch(() => undefined);
  const [membership, key, cert] = await Promise.all(['agent.json', 'agent.key', 'agent.crt'].map(read));
  const parsed = membershipSchema.safeParse(parse(membership ?? ''));
  if (!parsed.success) return undefined;
  return {
    ...parsed.data,
    ...(key === undefined || cert === undefined ? {} : { credentials: { cert, key } }),
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
