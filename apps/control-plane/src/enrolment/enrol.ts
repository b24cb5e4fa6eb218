import type { Enrolment, EnrolmentAnswer } from '@culvert/contracts';
import type { FastifyRequest } from 'fastify';
import type { Kysely } from 'kysely';
import { issueAgentCertificate, revokeCertificates } from '../agent-authority/agent-certificate.ts';
import { readCertificateRequest } from '../agent-authority/certificate-request.ts';
import type { AgentContext } from '../agent-listener/application.ts';
import { AgentRefusal } from '../agent-listener/refusal.ts';
import { recordAudit } from '../audit/record.ts';
import { newId } from '../database/identifier.ts';
import type { Tables } from '../database/tables.ts';
import { columnsOf } from '../graph/conversion.ts';
import { show } from '../graph/read.ts';
import { EntityStore } from '../graph/store.ts';
import type { StoredRow } from '../graph/tables.ts';
import { useJoinToken } from '../join-tokens/store.ts';
import { servers } from '../servers/entity.ts';
import { lockServer } from '../servers/lock-server.ts';
import { readableServer } from '../servers/resource.ts';
import { type Admission, admit, joinTokenUsed } from './admission.ts';

/** Lets a server join: a record, a certificate, an entry in the audit log, all or nothing. */
export async function enrol(
  context: AgentContext,
  request: FastifyRequest<{ Body: Enrolment }>,
): Promise<EnrolmentAnswer> {
  const { database, authority } = context;
  const admission = await admit(context, request);
  const key = await readCertificateRequest(request.body.certificateRequest);
  if (!key.ok) throw new AgentRefusal('invalid', `certificateRequest: ${key.message}`);
  const now = context.now();
  return database.tables.transaction().execute(async (tables) => {
    const store = new EntityStore(tables, database.engine, servers);
    const server = await recordOf(store, admission, request.body, now);
    await lockServer({ engine: database.engine, tables }, server.id);
    await useUp(tables, admission, server, now);
    await revokeCertificates(tables, server.id, now);
    const certificate = await issueAgentCertificate(tables, authority, server.id, key.publicKey, now);
    await auditEnrolment(tables, admission, server, now);
    return {
      serverId: server.id,
      siteId: admission.site.id,
      displayName: String(server.display_name),
      certificate,
    };
  });
}

/** The record of the server: the one that it had, or another for a server that is not known yet. */
async function recordOf(
  store: EntityStore,
  { server, site }: Admission,
  { hostName, deploymentMode }: Enrolment,
  now: Date,
): Promise<StoredRow> {
  const told = columnsOf(servers.entity, { deploymentMode });
  if (server !== undefined) {
    return server.deployment_mode === deploymentMode ? server : store.update(server, told);
  }
  const row: StoredRow = {
    id: newId(now),
    version: 1,
    site_id: site.id,
    tunnel_server_health_status: 'unknown',
    ...columnsOf(servers.entity, { displayName: hostName }),
    ...told,
  };
  await store.insert(row);
  return row;
}

async function useUp(
  tables: Kysely<Tables>,
  { joinToken }: Admission,
  { id }: StoredRow,
  now: Date,
): Promise<void> {
  if (joinToken === undefined) return;
  if (!(await useJoinToken(tables, joinToken, id, now))) throw joinTokenUsed(now.toISOString());
}

async function auditEnrolment(
  tables: Kysely<Tables>,
  { actor, site, server: before, joinToken }: Admission,
  server: StoredRow,
  now: Date,
): Promise<void> {
  const kind = servers.entity.name;
  await recordAudit(
    tables,
    {
      actor,
      action: `${kind}.${before === undefined ? 'enrol' : 'enrolAgain'}`,
      object: {
        kind,
        id: server.id,
        name: String(server.display_name),
        roleScopeTagIds: JSON.parse(String(site.role_scope_tag_ids ?? '[]')),
      },
      outcome: 'success',
      after: show(readableServer, server, now),
      ...(joinToken === undefined
        ? {}
        : { detail: `with the join token ${joinToken.id} that ${joinToken.created_by} has made` }),
    },
    now,
  );
}
