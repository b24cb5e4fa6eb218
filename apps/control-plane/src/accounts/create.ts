import { acrossFields } from '@culvert/contracts';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { newId } from '../database/identifier.ts';
import { mistakes } from '../graph/body.ts';
import { audit, inTransaction } from '../graph/change.ts';
import { columnsOf, type GraphObject } from '../graph/conversion.ts';
import { show } from '../graph/read.ts';
import { EntityStore } from '../graph/store.ts';
import type { StoredRow } from '../graph/tables.ts';
import { secret } from '../http/secret-text.ts';
import { localNameOf } from './account.ts';
import { accounts } from './entity.ts';
import { generatedPassword } from './generated-password.ts';
import { judgePassword, passwordProblems } from './password-rules.ts';
import { hashOf } from './passwords.ts';
import { accountResource, accountSchema, requireFreeName, requireMayJoin } from './resource.ts';
import { isLocalUserName, localUserNameRule } from './user-name.ts';

/** A local account as it is made; the rules of names and passwords are told together with everything else. */
export const newAccountSchema = accountSchema
  .extend({
    userName: accountSchema.shape.userName.refine(isLocalUserName, { error: localUserNameRule }),
    /** Without one a password is generated and shown once. */
    password: secret(z.string()).optional(),
  })
  .check(
    acrossFields(
      { userName: z.unknown().optional(), password: z.string() },
      ({ userName, password }, report) => {
        const problem = judgePassword(password, typeof userName === 'string' ? userName : '');
        if (problem !== undefined) report(['password'], passwordProblems[problem], password);
      },
    ),
  );

/** Makes a local account; the answer holds the password when it was generated. */
export async function createAccount(
  context: Context,
  request: FastifyRequest,
  { password, ...wanted }: z.output<typeof newAccountSchema>,
): Promise<GraphObject> {
  const chosen = choosePassword(password, wanted.userName);
  // Hashing takes a while; the transaction need not wait for it.
  const passwordHash = await hashOf(context, chosen.password);
  return inTransaction(context, request, async (change) => {
    await requireFreeName(change, wanted.userName, '');
    await requireMayJoin(change, wanted.groups);
    const now = context.now();
    const row: StoredRow = {
      id: newId(now),
      version: 1,
      ...columnsOf(accounts.entity, wanted),
      local_name: localNameOf(wanted.userName),
      password_hash: passwordHash,
      has_second_factor: 0,
      totp_secret: null,
      totp_last_step: 0,
      provider_id: null,
      subject: null,
      created_at: now.toISOString(),
      last_sign_in_at: null,
      ...(chosen.isGenerated ? { must_change_password: 1 } : {}),
    };
    await new EntityStore(change.tables, context.database.engine, accounts).insert(row);
    const object = show(accountResource, row, now);
    await audit(change, accountResource, 'create', row, { after: object });
    return chosen.isGenerated ? { ...object, password: chosen.password } : object;
  });
}

/** The password that an administrator wants for somebody, or a generated one. Throws when it breaks the rules. */
export function choosePassword(
  wanted: string | undefined,
  userName: string,
): { password: string; isGenerated: boolean } {
  if (wanted === undefined) return { password: generatedPassword(), isGenerated: true };
  const problem = judgePassword(wanted, userName);
  if (problem !== undefined) throw mistakes([{ path: 'password', message: passwordProblems[problem] }]);
  return { password: wanted, isGenerated: false };
}
