import type { Kysely } from 'kysely';
import { newId } from '../database/identifier.ts';
import type { Tables } from '../database/tables.ts';

/** Who did something. `anonymous` is somebody who was not let in. */
export interface Actor {
  kind: 'user' | 'token' | 'agent' | 'system' | 'anonymous';
  id?: string;
  name: string;
  address?: string;
  requestId?: string;
}

export interface AuditRecord {
  actor: Actor;
  /** Thing and verb, such as `microsoftTunnelSite.create` or `signIn`. */
  action: string;
  object?: { kind: string; id: string; name: string; roleScopeTagIds?: readonly string[] };
  outcome: 'success' | 'failure';
  before?: unknown;
  after?: unknown;
  detail?: string;
}

/**
 * Writes an entry of the audit log. Give it the transaction of the change, so that there is never a change without its
 * entry nor an entry without its change.
 */
export async function recordAudit(tables: Kysely<Tables>, record: AuditRecord, now: Date): Promise<void> {
  const { actor, action, object, outcome, before, after, detail } = record;
  const text = (value: unknown) => (value === undefined ? null : JSON.stringify(value));
  await tables
    .insertInto('audit_entries')
    .values({
      id: newId(now),
      at: now.toISOString(),
      actor_kind: actor.kind,
      actor_id: actor.id ?? null,
      actor_name: actor.name,
      address: actor.address ?? null,
      action,
      object_kind: object?.kind ?? null,
      object_id: object?.id ?? null,
      object_name: object?.name ?? null,
      outcome,
      before: text(before),
      after: text(after),
      detail: detail ?? null,
      request_id: actor.requestId ?? null,
      role_scope_tag_ids: JSON.stringify(object?.roleScopeTagIds ?? []),
    })
    .execute();
}
