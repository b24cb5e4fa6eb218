import type { FastifyRequest } from 'fastify';
import type { Kysely } from 'kysely';
import type { Tables } from '../database/tables.ts';
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
  'make a join token for this server in the admin centre, and give it to "agent join" on the server; the gateway and its tunnels go on meanwhile';

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
  if (row === undefined) {
    throw new AgentRefusal(
      'serverDeleted',
      'the record of this server was deleted in the control plane; make a join token for its site and join again, or uninstall it',
    );
  }
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

/** The agent of a route that needs one. */
export function agentOf(request: FastifyRequest): Agent {
  if (request.agent === undefined) throw new Error('this route has no agent');
  return request.agent;
}
