import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';
import type { Selectable } from 'kysely';
import type { JWK } from 'oidc-provider';
import { type Actor, recordAudit } from '../audit/record.ts';
import type { Context } from '../context.ts';
import type { Tables } from '../database/tables.ts';
import { planKeys, type SigningKey } from './key-rule.ts';

type Row = Selectable<Tables['openid_keys']>;

/** Keys to publish, the one that signs first. */
export interface KeySet {
  /** Differs when the set differs. */
  version: string;
  keys: () => JWK[];
}

/** The signing keys of this moment. Makes the first one and those that are due; replicas that do so together agree. */
export async function currentKeys({
  database,
  secrets,
  now,
}: Pick<Context, 'database' | 'secrets' | 'now'>): Promise<KeySet> {
  const read = () => database.tables.selectFrom('openid_keys').selectAll().orderBy('sequence').execute();
  const moment = now().getTime();
  let rows = await read();
  let plan = planKeys(rows.map(timesOf), moment);
  if (plan.due !== undefined) {
    await insertKey(plan.due);
    rows = await read();
    plan = planKeys(rows.map(timesOf), moment);
  }
  if (plan.stale.length > 0) {
    await database.tables.deleteFrom('openid_keys').where('sequence', 'in', plan.stale).execute();
  }
  const published = plan.published.flatMap((wanted) => rows.filter(({ sequence }) => sequence === wanted));
  return {
    version: plan.published.join(),
    keys: () => published.map(({ sequence, sealed }) => JSON.parse(secrets.open(sealed, purpose(sequence)))),
  };

  async function insertKey({ sequence, publishedAt, signsFrom }: SigningKey): Promise<void> {
    const { privateKey } = await generateKeyPair('ES256', { extractable: true });
    const key = { ...(await exportJWK(privateKey)), alg: 'ES256', use: 'sig' };
    const named = { ...key, kid: await calculateJwkThumbprint(key) };
    const row = {
      sequence,
      sealed: secrets.seal(JSON.stringify(named), purpose(sequence)),
      published_at: new Date(publishedAt).toISOString(),
      signs_from: new Date(signsFrom).toISOString(),
    };
    await database.tables.transaction().execute(async (tables) => {
      const { numInsertedOrUpdatedRows } = await tables
        .insertInto('openid_keys')
        .values(row)
        .onConflict((conflict) => conflict.column('sequence').doNothing())
        .executeTakeFirst();
      // Another replica was first; its key counts.
      if (numInsertedOrUpdatedRows !== 1n) return;
      const object = { kind: 'signingKey', id: String(sequence), name: named.kid };
      const actor: Actor = { kind: 'system', name: 'key rotation' };
      const detail = `signs from ${row.signs_from}`;
      await recordAudit(
        tables,
        { actor, action: 'signingKey.create', object, outcome: 'success', detail },
        now(),
      );
    });
  }
}

function timesOf({ sequence, published_at, signs_from }: Row): SigningKey {
  return { sequence, publishedAt: Date.parse(published_at), signsFrom: Date.parse(signs_from) };
}

function purpose(sequence: number): string {
  return `openid key ${sequence}`;
}
