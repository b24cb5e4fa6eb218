import type { Kysely } from 'kysely';
import { type Actor, type AuditRecord, recordAudit } from '../audit/record.ts';
import type { Tables } from '../database/tables.ts';
import type { StoredRow } from '../graph/tables.ts';
import { servers } from '../servers/entity.ts';
import { upgrades } from './entity.ts';

/** Who does what nobody has asked for. */
const system: Actor = { kind: 'system', name: 'upgrades' };

interface Told {
  actor?: Actor;
  outcome?: AuditRecord['outcome'];
  detail?: string | null;
}

/** An entry about a roll-out; it is seen by whoever may see the site. */
export async function auditUpgrade(
  tables: Kysely<Tables>,
  site: StoredRow,
  row: StoredRow,
  verb: 'request' | 'begin' | 'stop' | 'resume' | 'cancel' | 'complete' | 'fail',
  now: Date,
  { actor = system, outcome = 'success', detail }: Told = {},
): Promise<void> {
  const record: AuditRecord = {
    actor,
    action: `${upgrades.entity.name}.${verb}`,
    object: {
      kind: upgrades.entity.name,
      id: row.id,
      name: `${site.display_name} → ${row.target_version ?? '–'}`,
      roleScopeTagIds: tagsOf(site),
    },
    outcome,
  };
  await recordAudit(tables, typeof detail === 'string' ? { ...record, detail } : record, now);
}

/** An entry about what became of one server. */
export async function auditServerUpgrade(
  tables: Kysely<Tables>,
  site: StoredRow,
  server: { id: string; name: string },
  told: { verb: 'upgrade' | 'returnToOldVersion'; outcome: AuditRecord['outcome']; detail: string },
  now: Date,
): Promise<void> {
  await recordAudit(
    tables,
    {
      actor: system,
      action: `${servers.entity.name}.${told.verb}`,
      object: { kind: servers.entity.name, ...server, roleScopeTagIds: tagsOf(site) },
      outcome: told.outcome,
      detail: told.detail,
    },
    now,
  );
}

function tagsOf({ role_scope_tag_ids: tags }: StoredRow): string[] {
  return JSON.parse(String(tags ?? '[]')) as string[];
}
