import type { KoaContextWithOIDC } from 'oidc-provider';
import { SessionNotFound } from 'oidc-provider/lib/helpers/errors.js';
import { findAccount } from '../accounts/account.ts';
import { recordAudit } from '../audit/record.ts';
import type { Context } from '../context.ts';
import { adminCentre, scopes } from './clients.ts';
import { requestIdOf } from './koa-page.ts';
import { auditObject, beginSignIn, endSignIns, holdSession } from './sign-in-sessions.ts';

/**
 * The grant of an account for a client: everything that the client may ask for, without asking the person, because every
 * client is our own. A browser's admin centre has one; each device gets one of its own, so that each can be ended by itself.
 */
export async function loadGrant({ database, now }: Context, ctx: KoaContextWithOIDC) {
  const { client, session, account, provider } = ctx.oidc;
  if (client === undefined || session === undefined || account === undefined) return undefined;
  const isBrowser = client.clientId === adminCentre;
  const present = isBrowser ? session.grantIdFor(client.clientId) : undefined;
  const found = present === undefined ? undefined : await provider.Grant.find(present);
  const isAnew = ctx.oidc.result?.login !== undefined;
  if (found !== undefined && !isAnew) return found;
  // The person has still to sign in again; the grant is made when they have.
  if (ctx.oidc.promptPending('login')) return undefined;
  const grant = new provider.Grant({ accountId: account.accountId, clientId: client.clientId });
  grant.addOIDCScope(scopes.join(' '));
  const grantId = await grant.save();
  const person = await findAccount(database.tables, account.accountId);
  if (person === undefined) return undefined;
  const from = { address: ctx.ip, requestId: requestIdOf(ctx) };
  const actor = { kind: 'user', id: person.id, name: person.userName, ...from } as const;
  const device = isBrowser ? undefined : deviceOf(ctx);
  await database.tables.transaction().execute(async (tables) => {
    if (!(await holdSession(tables, session.uid))) throw new SessionNotFound('the session has ended');
    if (present !== undefined) {
      const ending = { actor, action: 'signInSession.end', detail: 'the browser signed in anew' };
      await endSignIns(tables, { grantId: present }, now(), () => ending, { keepBrowser: true });
    }
    const row = await beginSignIn(
      tables,
      {
        account: person,
        clientId: client.clientId,
        address: device?.address ?? ctx.ip,
        userAgent: device?.userAgent ?? ctx.get('user-agent'),
        sessionUid: session.uid,
        grantId,
        expiresAt: new Date(now().getTime() + grant.remainingTTL * 1000),
      },
      now(),
    );
    if (device === undefined) return;
    await recordAudit(
      tables,
      {
        actor,
        action: 'device.confirm',
        object: auditObject(row),
        outcome: 'success',
        detail: `asked from ${device.address}`,
      },
      now(),
    );
  });
  return grant;
}

function deviceOf(ctx: KoaContextWithOIDC): { address: string; userAgent: string } {
  const { address, userAgent } = ctx.oidc.entities.DeviceCode?.deviceInfo ?? {};
  return { address: String(address ?? ''), userAgent: String(userAgent ?? '') };
}
