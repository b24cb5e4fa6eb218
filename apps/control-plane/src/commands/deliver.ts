import type { Command, CommandOrder, CommandResult } from '@culvert/contracts';
import type { Kysely } from 'kysely';
import { type Agent, auditObject } from '../agent-listener/agent.ts';
import { type Actor, recordAudit } from '../audit/record.ts';
import type { Tables } from '../database/tables.ts';
import { mostUnfinished } from './order.ts';

/** The commands that an agent is to carry out, oldest first. One whose result is not there yet is sent again: answers get lost. */
export async function takeCommands(tables: Kysely<Tables>, serverId: string, now: Date): Promise<Command[]> {
  const at = now.toISOString();
  const rows = await tables
    .selectFrom('server_commands')
    .select(['id', 'command_order', 'state'])
    .where('server_id', '=', serverId)
    .where('state', 'in', ['waiting', 'sent'])
    .where('expires_at', '>', at)
    .orderBy('id')
    .limit(mostUnfinished)
    .execute();
  const waiting = rows.filter(({ state }) => state === 'waiting').map(({ id }) => id);
  if (waiting.length > 0) {
    await tables
      .updateTable('server_commands')
      .set({ state: 'sent', sent_at: at })
      .where('id', 'in', waiting)
      .where('state', '=', 'waiting')
      .execute();
  }
  // They were validated when they were ordered.
  return rows.map(({ id, command_order }) => ({ id, order: JSON.parse(command_order) as CommandOrder }));
}

/** Writes down what came of commands; each counts once. One that was given up counts still: the server has done it. */
export async function recordResults(
  tables: Kysely<Tables>,
  agent: Agent,
  actor: Actor,
  results: readonly CommandResult[],
  now: Date,
): Promise<void> {
  for (const { id, outcome, detail } of results) {
    const finished = await tables
      .updateTable('server_commands')
      .set({ state: outcome, detail: detail ?? null, finished_at: now.toISOString() })
      .where('id', '=', id)
      .where('server_id', '=', agent.serverId)
      .where('state', 'in', ['waiting', 'sent', 'expired'])
      .returning(['kind'])
      .executeTakeFirst();
    if (finished === undefined) continue;
    await recordAudit(
      tables,
      {
        actor,
        action: 'serverCommand.finish',
        object: { ...auditObject(agent), kind: 'serverCommand', id },
        outcome: outcome === 'done' ? 'success' : 'failure',
        after: { serverId: agent.serverId, kind: finished.kind, outcome },
        ...(detail === undefined ? {} : { detail }),
      },
      now,
    );
  }
}
