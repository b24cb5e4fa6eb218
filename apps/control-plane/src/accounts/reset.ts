import type { FastifyRequest } from 'fastify';
import type { Context } from '../context.ts';
import { audit, findForChange, inTransaction } from '../graph/change.ts';
import type { Change } from '../graph/resource.ts';
import { EntityStore } from '../graph/store.ts';
import type { StoredRow } from '../graph/tables.ts';
import { ApiError } from '../http/errors.ts';
import { choosePassword } from './create.ts';
import { endSessions } from './end-sessions.ts';
import { accounts } from './entity.ts';
import { hashOf } from './passwords.ts';
import { accountResource, requireMayChange } from './resource.ts';
import { clearSecondFactor } from './second-factor.ts';
import { forgetAllFailures } from './throttle.ts';

type Request = FastifyRequest<{ Params: { id: string } }>;

/** Gives a local account a new password that must be changed; resolves to it when it was generated. */
export async function resetPassword(
  context: Context,
  request: Request,
  wanted: string | undefined,
): Promise<string | undefined> {
  const row = await inTransaction(context, request, (change) => findLocal(change, request));
  const chosen = choosePassword(wanted, String(row.user_name));
  // Hashing takes a while; a transaction need not wait for it.
  const passwordHash = await hashOf(context, chosen.password);
  await inTransaction(context, request, async (change) => {
    const present = await findLocal(change, request);
    const columns = { password_hash: passwordHash, must_change_password: 1 };
    const changed = await storeOf(change).update(present, columns);
    await forgetAllFailures(change.tables, String(present.user_name));
    await endSessions(change.tables, present.id, context.now());
    await audit(change, accountResource, 'resetPassword', changed, {});
  });
  return chosen.isGenerated ? chosen.password : undefined;
}

/** Takes the second factor of somebody away who has lost it. */
export async function resetSecondFactor(context: Context, request: Request): Promise<void> {
  await inTransaction(context, request, async (change) => {
    const row = await findLocal(change, request);
    await clearSecondFactor(change.tables, row.id);
    await endSessions(change.tables, row.id, context.now());
    await audit(change, accountResource, 'resetSecondFactor', row, {});
  });
}

/** The local account of the path, which the caller may change. */
async function findLocal(change: Change, { params, headers }: Request): Promise<StoredRow> {
  const permission = accountResource.access.update;
  const row = await findForChange(change, accountResource, params.id, headers['if-match'], permission);
  await requireMayChange(change, row);
  if (row.provider_id === null) return row;
  throw new ApiError(
    'Conflict',
    'this account belongs to an identity provider, which looks after its password and second factor; reset them there',
  );
}

function storeOf({ tables, context }: Change): EntityStore {
  return new EntityStore(tables, context.database.engine, accounts);
}
