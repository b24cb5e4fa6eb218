import type { Enrolment } from '@culvert/contracts';
import type { FastifyRequest } from 'fastify';
import { sql } from 'kysely';
import { AgentRefusal } from '../agent-listener/refusal.ts';
import type { Actor } from '../audit/record.ts';
import type { Context } from '../context.ts';
import { findOrRefuse } from '../graph/read.ts';
import { createPermission, inScope, readPermission } from '../graph/scope.ts';
import { EntityStore } from '../graph/store.ts';
import type { StoredRow } from '../graph/tables.ts';
import { missingPermission } from '../http/access.ts';
import { findJoinToken, type StoredJoinToken } from '../join-tokens/store.ts';
import { hasPermission } from '../permissions/caller.ts';
import { servers } from '../servers/entity.ts';
import { findServer } from '../servers/find-server.ts';
import { serverTitle } from '../servers/resource.ts';
import { sites } from '../sites/entity.ts';

/** Who may join, where, and on whose word. */
export interface Admission {
  actor: Actor;
  site: StoredRow;
  /** The record under which the server joins again; undefined for a server that is not known yet. */
  server: StoredRow | undefined;
  /** Used up when the server joins. */
  joinToken: StoredJoinToken | undefined;
}

const another = 'make another one in the admin centre';

/** Judges a server that wants to join. Throws an AgentRefusal, or an ApiError for what an administrator may not do. */
export function admit(context: Context, request: FastifyRequest<{ Body: Enrolment }>): Promise<Admission> {
  return request.body.joinToken === undefined
    ? admitByAdministrator(context, request)
    : admitByJoinToken(context, request, request.body.joinToken);
}

/** The join token with this secret. Throws an AgentRefusal when there is none that a server may still join with. */
export async function requireOpenJoinToken(
  { database: { tables }, now }: Pick<Context, 'database' | 'now'>,
  secret: string,
): Promise<StoredJoinToken> {
  const token = await findJoinToken(tables, secret);
  if (token === undefined) {
    throw new AgentRefusal(
      'joinTokenUnknown',
      `there is no such join token: it was taken back, or its server or site was deleted; ${another}`,
    );
  }
  if (token.used_at !== null) throw joinTokenUsed(token.used_at);
  if (token.expires_at <= now().toISOString()) {
    throw new AgentRefusal('joinTokenExpired', `this join token ended at ${token.expires_at}; ${another}`);
  }
  return token;
}

async function admitByJoinToken(
  context: Context,
  { body, ip, id }: FastifyRequest<{ Body: Enrolment }>,
  secret: string,
): Promise<Admission> {
  const { tables, engine } = context.database;
  const token = await requireOpenJoinToken(context, secret);
  requireAgreement('siteId', body.siteId, token.site_id);
  requireAgreement('serverId', body.serverId, token.server_id);
  const anywhere = sql<boolean>`(1 = 1)`;
  const site = await findOrRefuse(new EntityStore(tables, engine, sites), token.site_id, anywhere, 'site');
  const server =
    token.server_id === null
      ? undefined
      : await findOrRefuse(new EntityStore(tables, engine, servers), token.server_id, anywhere, serverTitle);
  const actor = { kind: 'agent', name: body.hostName, address: ip, requestId: id } as const;
  return { actor, site, server, joinToken: token };
}

/** The refusal of a token that a server has joined with already. */
export function joinTokenUsed(at: string): AgentRefusal {
  return new AgentRefusal(
    'joinTokenUsed',
    `a server has joined with this join token at ${at}; each is good for one server: ${another}`,
  );
}

function requireAgreement(field: string, given: string | undefined, meant: string | null): void {
  if (given === undefined || given === meant) return;
  throw new AgentRefusal(
    'invalid',
    `${field}: the join token is for ${meant ?? 'a server that is not known yet'}; leave ${field} out`,
  );
}

async function admitByAdministrator(
  context: Context,
  request: FastifyRequest<{ Body: Enrolment }>,
): Promise<Admission> {
  const { siteId, serverId } = request.body;
  const caller = await context.authenticate(request);
  if (caller === undefined) {
    throw new AgentRefusal(
      'notAllowed',
      'a server joins with a join token, or with the access token of an administrator who has signed in; the one that was sent is not valid, or there was none',
    );
  }
  if (serverId !== undefined) {
    const { server, site } = await findServer(context, caller, serverId, createPermission);
    requireSame(siteId, site.id);
    return { actor: caller.actor, site, server, joinToken: undefined };
  }
  if (siteId === undefined) {
    throw new AgentRefusal(
      'invalid',
      'siteId: name the site to join, or the server that joins again (serverId)',
    );
  }
  if (!hasPermission(caller, createPermission)) throw missingPermission(createPermission);
  const { engine, tables } = context.database;
  const site = await findOrRefuse(
    new EntityStore(tables, engine, sites),
    siteId,
    inScope(engine, caller, createPermission),
    'site',
    inScope(engine, caller, readPermission),
  );
  return { actor: caller.actor, site, server: undefined, joinToken: undefined };
}

function requireSame(given: string | undefined, siteId: string): void {
  if (given === undefined || given === siteId) return;
  throw new AgentRefusal('invalid', 'siteId: the server belongs to another site; leave siteId out');
}
