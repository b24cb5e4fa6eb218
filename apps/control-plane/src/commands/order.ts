import type { CommandOrder } from '@culvert/contracts';
import { recordAudit } from '../audit/record.ts';
import type { Context } from '../context.ts';
import { newId } from '../database/identifier.ts';
import type { Change } from '../graph/resource.ts';
import type { StoredRow } from '../graph/tables.ts';
import { ApiError } from '../http/errors.ts';
import type { Caller } from '../permissions/caller.ts';

/** Milliseconds after which a command that was not carried out is given up. */
const lifetime = 86_400_000;
/** Commands of a server that are not finished. As many as one answer to a check-in carries. */
export const mostUnfinished = 100;

/** What an order needs of a change; `caller` may be the control plane itself. */
export interface Ordering extends Pick<Change, 'tables'> {
  context: Pick<Context, 'now'>;
  caller: Pick<Caller, 'actor'>;
}

/** Orders a server to do something, in the transaction of the change. Whoever may is judged by the caller. Resolves to the row. */
export async function orderCommand(
  { tables, context, caller: { actor } }: Ordering,
  serverId: string,
  order: CommandOrder,
): Promise<StoredRow> {
  const now = context.now();
  const server = await tables
    .selectFrom('servers')
    .innerJoin('sites', 'sites.id', 'servers.site_id')
    .select(['servers.display_name', 'sites.role_scope_tag_ids'])
    .where('servers.id', '=', serverId)
    .executeTakeFirst();
  if (server === undefined) throw new ApiError('ResourceNotFound', `there is no server ${serverId}`);
  const { unfinished } = await tables
    .selectFrom('server_commands')
    .select(({ fn }) => fn.countAll<number>().as('unfinished'))
    .where('server_id', '=', serverId)
    .where('state', 'in', ['waiting', 'sent'])
    .where('expires_at', '>', now.toISOString())
    .executeTakeFirstOrThrow();
  if (unfinished >= mostUnfinished) {
    throw new ApiError(
      'Conflict',
      `the server has ${unfinished} commands that it has not carried out yet; is it offline?`,
    );
  }
  const row = {
    id: newId(now),
    server_id: serverId,
    kind: order.kind,
    command_order: JSON.stringify(order),
    state: 'waiting',
    detail: null,
    created_by: actor.name,
    created_at: now.toISOString(),
    expires_at: new Date(now.getTime() + lifetime).toISOString(),
    sent_at: null,
    finished_at: null,
  } as const;
  await tables.insertInto('server_commands').values(row).execute();
  const roleScopeTagIds = JSON.parse(String(server.role_scope_tag_ids ?? '[]'));
  const object = { kind: 'serverCommand', id: row.id, name: String(server.display_name), roleScopeTagIds };
  const after = { serverId, ...order };
  await recordAudit(
    tables,
    { actor, action: 'serverCommand.create', object, outcome: 'success', after },
    now,
  );
  // Rows of sets without a version are shown as such.
  return row as unknown as StoredRow;
}
