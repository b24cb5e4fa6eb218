import { X509Certificate } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatJoinToken } from '@culvert/contracts';
import { z } from 'zod';
import { agentAuthority, fingerprintOf } from '../agent-authority/authority.ts';
import { type Actor, recordAudit } from '../audit/record.ts';
import { agentListenerUrl } from '../configuration/control-plane-configuration.ts';
import type { Context } from '../context.ts';
import { joinTokens } from '../join-tokens/entity.ts';
import { createJoinToken } from '../join-tokens/store.ts';

export interface LocalAgent {
  /** Where the agent of this host keeps what it has of its membership, and looks for a join token. */
  directory: string;
  /** The site that it belongs to. */
  siteId: string;
}

/** Long enough for a host that is set up by hand; each start of the control plane makes another one. */
const tokenLifetime = 24 * 3_600_000;
const actor: Actor = { kind: 'system', name: 'first start' };

/**
 * Sees to it that the agent of this host is joined or can join: writes `join-token` when it has no certificate that works.
 * A server whose certificate is gone joins again under its old record. Resolves to whether a token was written. Rejects when
 * the site was deleted.
 */
export async function ensureCanJoin(
  context: Pick<Context, 'configuration' | 'database' | 'secrets' | 'now'>,
  { directory, siteId }: LocalAgent,
): Promise<boolean> {
  const { database, configuration } = context;
  const now = context.now();
  const serverId = await knownServer(context, { directory, siteId });
  if (serverId !== undefined && (await isJoined(context, directory, serverId))) return false;
  const site = await database.tables
    .selectFrom('sites')
    .select('role_scope_tag_ids')
    .where('id', '=', siteId)
    .executeTakeFirst();
  if (site === undefined) {
    throw new Error(
      'its site was deleted: the gateway keeps its configuration; remove local-gateway.json from the state directory and start again to make a new site',
    );
  }
  const { fingerprint } = await agentAuthority(context);
  const { secret } = await database.tables.transaction().execute(async (tables) => {
    const order = { siteId, serverId, createdBy: actor.name, lifetime: tokenLifetime };
    const made = await createJoinToken(tables, order, now);
    const roleScopeTagIds = JSON.parse(String(site.role_scope_tag_ids)) as string[];
    const { id } = made.row;
    const object = { kind: joinTokens.entity.name, id: String(id), name: String(id), roleScopeTagIds };
    const action = `${joinTokens.entity.name}.create`;
    await recordAudit(tables, { actor, action, object, outcome: 'success' }, now);
    return made;
  });
  const token = formatJoinToken({ url: agentListenerUrl(configuration), fingerprint, secret });
  await writeToken(directory, token);
  return true;
}

/** The record of the server that this host has been, if it is there still: as the agent says, or else as it joined last. */
async function knownServer(
  { database: { tables } }: Pick<Context, 'database'>,
  { directory, siteId }: LocalAgent,
): Promise<string | undefined> {
  const joined = await tables
    .selectFrom('join_tokens')
    .select('used_by_server_id')
    .where('site_id', '=', siteId)
    .where('created_by', '=', actor.name)
    .where('used_by_server_id', 'is not', null)
    .orderBy('used_at', 'desc')
    .executeTakeFirst();
  const serverId = (await membershipOf(directory)) ?? joined?.used_by_server_id;
  if (serverId === undefined || serverId === null) return undefined;
  const server = await tables
    .selectFrom('servers')
    .select('id')
    .where('id', '=', serverId)
    .executeTakeFirst();
  return server?.id;
}

async function membershipOf(directory: string): Promise<string | undefined> {
  const text = await readIfThere(join(directory, 'agent.json'));
  if (text === undefined) return undefined;
  try {
    return z.object({ serverId: z.string() }).parse(JSON.parse(text)).serverId;
  } catch {
    // Damaged; the host joins as a new server.
    return undefined;
  }
}

/** Whether the agent has a certificate of this server that is in force. */
async function isJoined(
  { database: { tables }, now }: Pick<Context, 'database' | 'now'>,
  directory: string,
  serverId: string,
): Promise<boolean> {
  if ((await membershipOf(directory)) !== serverId) return false;
  const key = await readIfThere(join(directory, 'agent.key'));
  const text = await readIfThere(join(directory, 'agent.crt'));
  if (key === undefined || text === undefined) return false;
  const fingerprint = fingerprintIn(text);
  if (fingerprint === undefined) return false;
  const certificate = await tables
    .selectFrom('agent_certificates')
    .select('fingerprint')
    .where('fingerprint', '=', fingerprint)
    .where('server_id', '=', serverId)
    .where('revoked_at', 'is', null)
    .where('not_after', '>', now().toISOString())
    .executeTakeFirst();
  return certificate !== undefined;
}

function fingerprintIn(pem: string): string | undefined {
  try {
    return fingerprintOf(new X509Certificate(pem).raw);
  } catch {
    // Not a certificate.
    return undefined;
  }
}

async function writeToken(directory: string, token: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const file = join(directory, 'join-token');
  await writeFile(`${file}.new`, `${token}\n`, { mode: 0o600, flush: true });
  await rename(`${file}.new`, file);
}

async function readIfThere(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    return undefined;
  });
}
