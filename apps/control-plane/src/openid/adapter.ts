import type { Kysely } from 'kysely';
import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider';
import { InvalidGrant } from 'oidc-provider/lib/helpers/errors.js';
import { Provider } from 'oidc-provider/lib/provider.js';
import type { Context } from '../context.ts';
import type { Tables } from '../database/tables.ts';
import { hashArtifact, hashUserCode } from './artifact-hash.ts';
import { bounded } from './request-size.ts';
import { endSignIns, isEndedSession } from './sign-in-sessions.ts';

/** Keeps what the provider has to remember in the database, so that any replica can answer the next request. */
export function artifactAdapter(context: Pick<Context, 'database' | 'secrets' | 'now'>): AdapterFactory {
  const userCodeKey = context.secrets.deriveKey('openid user codes');
  return (kind) => new ArtifactAdapter(kind, context, userCodeKey);
}

class ArtifactAdapter implements Adapter {
  readonly #kind: string;
  readonly #context: Pick<Context, 'database' | 'secrets' | 'now'>;
  readonly #userCodeKey: Buffer;

  constructor(kind: string, context: Pick<Context, 'database' | 'secrets' | 'now'>, userCodeKey: Buffer) {
    this.#kind = kind;
    this.#context = context;
    this.#userCodeKey = userCodeKey;
  }

  get #tables(): Kysely<Tables> {
    return this.#context.database.tables;
  }

  async upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
    const kept = bounded(payload);
    const hash = hashArtifact(this.#kind, id);
    const { accountId, clientId, exp, grantId, result, session, sessionUid, scope, uid, userCode } = payload;
    if (this.#kind === 'Session' && uid !== undefined && (await isEndedSession(this.#tables, uid))) return;
    const expires = exp ?? Math.floor(this.#context.now().getTime() / 1000) + (expiresIn ?? 0);
    const columns = {
      payload: this.#context.secrets.seal(JSON.stringify(kept), this.#purpose(hash)),
      // A sign-in that has finished and was not fetched yet ends with the others of its account.
      account_id: accountId ?? result?.login?.accountId ?? session?.accountId ?? null,
      client_id: clientId ?? null,
      grant_id: this.#kind === 'Grant' ? id : (grantId ?? null),
      session_uid: (this.#kind === 'Session' ? uid : sessionUid) ?? null,
      user_code: userCode === undefined ? null : hashUserCode(this.#userCodeKey, userCode),
      scope: scope ?? null,
      expires_at: new Date(expires * 1000).toISOString(),
    };
    await this.#tables
      .insertInto('openid_artifacts')
      .values({ id: hash, kind: this.#kind, consumed_at: null, ...columns })
      .onConflict((conflict) =>
        conflict
          .column('id')
          .doUpdateSet(columns)
          // The library saves the session at the end of every request; one that was ended meanwhile stays so.
          .where(({ eb, or }) =>
            or([
              eb('openid_artifacts.kind', '<>', 'Session'),
              eb('openid_artifacts.consumed_at', 'is', null),
            ]),
          ),
      )
      .execute();
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    // Every client is a constant; a stranger's client_id costs no statement.
    if (this.#kind === 'Client') return undefined;
    return this.#read('id', hashArtifact(this.#kind, id));
  }

  async findByUid(uid: string): Promise<AdapterPayload | undefined> {
    return this.#read('session_uid', uid);
  }

  async findByUserCode(userCode: string): Promise<AdapterPayload | undefined> {
    return this.#read('user_code', hashUserCode(this.#userCodeKey, userCode));
  }

  /** Whoever comes second, on whichever replica, ends the grant: the code or token is in the wrong hands (RFC 9700 §4.14.2). */
  async consume(id: string): Promise<void> {
    const hash = hashArtifact(this.#kind, id);
    const { numUpdatedRows } = await this.#tables
      .updateTable('openid_artifacts')
      .set({ consumed_at: this.#context.now().toISOString() })
      .where('id', '=', hash)
      .where('consumed_at', 'is', null)
      .executeTakeFirst();
    if (numUpdatedRows === 1n) return;
    const row = await this.#tables
      .selectFrom('openid_artifacts')
      .select('grant_id')
      .where('id', '=', hash)
      .executeTakeFirst();
    if (typeof row?.grant_id === 'string') await this.#endGrant(row.grant_id);
    throw new InvalidGrant('already used');
  }

  async destroy(id: string): Promise<void> {
    if (this.#kind === 'Grant') return this.#endGrant(id);
    await this.#tables
      .deleteFrom('openid_artifacts')
      .where('id', '=', hashArtifact(this.#kind, id))
      .where(({ eb, or }) => or([eb('kind', '<>', 'Session'), eb('consumed_at', 'is', null)]))
      .execute();
  }

  async revokeByGrantId(grantId: string): Promise<void> {
    await this.#tables
      .deleteFrom('openid_artifacts')
      .where('grant_id', '=', grantId)
      .where('kind', '=', this.#kind)
      .execute();
  }

  async #endGrant(grantId: string): Promise<void> {
    const { ctx } = Provider;
    const from = { address: ctx?.ip ?? '', requestId: String(ctx?.res.getHeader('request-id') ?? '') };
    const { action, detail } = endingOf(ctx?.oidc.route);
    await this.#tables.transaction().execute((tables) =>
      endSignIns(tables, { grantId }, this.#context.now(), ({ account_id, user_name }) => ({
        actor: { kind: 'user', id: account_id, name: user_name, ...from },
        action,
        detail,
      })),
    );
  }

  async #read(
    column: 'id' | 'session_uid' | 'user_code',
    value: string,
  ): Promise<AdapterPayload | undefined> {
    const row = await this.#tables
      .selectFrom('openid_artifacts')
      .select(['id', 'payload', 'consumed_at'])
      .where(column, '=', value)
      .where('kind', '=', this.#kind)
      .executeTakeFirst();
    if (row === undefined || (this.#kind === 'Session' && row.consumed_at !== null)) return undefined;
    const payload: AdapterPayload = JSON.parse(
      this.#context.secrets.open(row.payload, this.#purpose(row.id)),
    );
    if (row.consumed_at === null) return payload;
    return { ...payload, consumed: Math.floor(Date.parse(row.consumed_at) / 1000) };
  }

  #purpose(hash: string): string {
    return `openid ${this.#kind} ${hash}`;
  }
}

/** Why the provider ends a grant, by the route on which it does. */
function endingOf(route: string | undefined): { action: string; detail: string } {
  switch (route) {
    case 'end_session_confirm':
    case 'end_session':
      return { action: 'signOut', detail: 'signed out' };
    case 'revocation':
      return { action: 'signOut', detail: 'the client gave its token back' };
    default:
      return {
        action: 'signInSession.end',
        detail: 'a code or refresh token came a second time; it may be in the wrong hands',
      };
  }
}
