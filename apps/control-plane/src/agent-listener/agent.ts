import type { FastifyRequest } from 'fastify';
import type { Kysely } from 'kysely';
import { revokeCertificates } from '../agent-authority/agent-certificate.ts';
import type { Actor, AuditRecord } from '../audit/record.ts';
import type { Database } from '../database/open.ts';
import type { Tables } from '../database/tables.ts';
import { servers } from '../servers/entity.ts';
import { lockServer } from '../servers/lock-server.ts';
import type { Peer } from './peer.ts';
import { AgentRefusal } from './refusal.ts';

/** The agent that sends a request: its server, and what its site wants of it. */
export interface Agent {
  serverId: string;
  siteId: string;
  displayName: string;
  /** JSON list of the scope tags of its site. */
  roleScopeTagIds: string;
  /** Of the certificate of this connection. */
  fingerprint: string;
  hasUsedCertificate: boolean;
}

declare module 'fastify' {
  interface FastifyRequest {
    agent: Agent | undefined;
  }
}

const again =
  'make a join token for this server in the admin centre, and give it to "agent join --again" on the server, or put it into the file agent/join-token there; the gateway and its tunnels go on meanwhile';

/** Finds the server of a certificate. Throws an AgentRefusal that says on the server what to do. */
export async function requireAgent(tables: Kysely<Tables>, peer: Peer, now: Date): Promise<Agent> {
  if (peer.kind === 'none')
    throw new AgentRefusal(
      'unknownCertificate',
      'this needs the certificate that an agent gets when it joins',
    );
  if (peer.kind === 'foreign') {
    throw new AgentRefusal(
      'unknownCertificate',
      `the certificate is of another authority (${peer.issuer}) than the one of this control plane; ${again}`,
    );
  }
  const row = await tables
    .selectFrom('agent_certificates as certificate')
    .innerJoin('servers as server', 'server.id', 'certificate.server_id')
    .innerJoin('sites as site', 'site.id', 'server.site_id')
    .select([
      'certificate.server_id',
      'certificate.first_used_at',
      'certificate.revoked_at',
      'certificate.not_after',
      'server.site_id',
      'server.display_name',
      'site.role_scope_tag_ids',
    ])
    .where('certificate.fingerprint', '=', peer.fingerprint)
    .executeTakeFirst();
  if (row === undefined) throw await unknownHere(tables, peer.serverId);
  if (row.revoked_at !== null) {
    throw new AgentRefusal(
      'certificateRevoked',
      `the certificate of this agent was revoked at ${row.revoked_at}; ${again}`,
    );
  }
  if (row.not_after <= now.toISOString()) {
    throw new AgentRefusal(
      'certificateExpired',
      `the certificate of this agent expired at ${row.not_after} (the clock here says ${now.toISOString()}); ${again}`,
    );
  }
  return {
    serverId: row.server_id,
    siteId: String(row.site_id),
    displayName: String(row.display_name),
    roleScopeTagIds: String(row.role_scope_tag_ids),
    fingerprint: peer.fingerprint,
    hasUsedCertificate: row.first_used_at !== null,
  };
}

/** The refusal for a certificate of ours that is not in the database: of a server that is gone, or forgotten itself. */
async function unknownHere(tables: Kysely<Tables>, serverId: string): Promise<AgentRefusal> {
  const server = await tables
    .selectFrom('servers')
    .select('id')
    .where('id', '=', serverId)
    .executeTakeFirst();
  if (server === undefined) return serverDeleted();
  return new AgentRefusal(
    'unknownCertificate',
    `the certificate of this agent is not known any more: a later one was given out, or the database was restored from a backup; ${again}`,
  );
}

/** The refusal for a server whose record is gone. */
export function serverDeleted(): AgentRefusal {
  return new AgentRefusal(
    'serverDeleted',
    'the record of this server was deleted in the control plane; make a join token for its site and join again, or uninstall it',
  );
}

/** A certificate that is used for the first time ends those before it: the agent has it, and keeps it. */
export async function noteFirstUse(
  { engine, tables }: Pick<Database, 'engine' | 'tables'>,
  { serverId, fingerprint }: Pick<Agent, 'serverId' | 'fingerprint'>,
  now: Date,
): Promise<void> {
  await tables.transaction().execute(async (change) => {
    await lockServer({ engine, tables: change }, serverId);
    const { numUpdatedRows } = await change
      .updateTable('agent_certificates')
      .set({ first_used_at: now.toISOString() })
      .where('fingerprint', '=', fingerprint)
      .where('first_used_at', 'is', null)
      .executeTakeFirst();
    if (numUpdatedRows === 1n) await revokeCertificates(change, serverId, now, fingerprint);
  });
}

/** The agent of a route that needs one. */
export function agentOf(request: FastifyRequest): Agent {
  if (request.agent === undefined) throw new Error('this route has no agent');
  return request.agent;
}

/** An agent as the audit log names it. */
export function agentActor({ serverId, displayName }: Agent, { ip, id }: FastifyRequest): Actor {
  return { kind: 'agent', id: serverId, name: displayName, address: ip, requestId: id };
}

/** The server of an agent as the object of an entry of the audit log. */
export function auditObject({
  serverId,
  displayName,
  roleScopeTagIds,
}: Agent): NonNullable<AuditRecord['object']> {
  return {
    kind: servers.entity.name,
    id: serverId,
    name: displayName,
    roleScopeTagIds: JSON.parse(roleScopeTagIds),
  };
}
