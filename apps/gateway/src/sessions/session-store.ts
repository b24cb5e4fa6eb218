import { chmodSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { Platform } from '@culvert/contracts';
import type { Session, SessionState } from './session.ts';

/** Each entry takes the schema one version further; `user_version` counts the ones that were applied. */
const migrations = [
  `CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    cookie_hash TEXT NOT NULL,
    user TEXT NOT NULL,
    ipv4 TEXT NOT NULL,
    ipv6 TEXT,
    dtls_id TEXT NOT NULL,
    platform TEXT NOT NULL,
    device_type TEXT,
    device_unique_id TEXT,
    user_agent TEXT,
    remote_address TEXT NOT NULL,
    hostname TEXT,
    signed_in_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    connected_at INTEGER,
    state TEXT NOT NULL,
    deadline INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID`,
  `ALTER TABLE sessions ADD COLUMN carried_in INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE sessions ADD COLUMN carried_out INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE sessions ADD COLUMN seen_in INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE sessions ADD COLUMN seen_out INTEGER NOT NULL DEFAULT 0`,
];

/** Where sessions survive the gateway's own process. */
export interface SessionStore {
  load(): Session[];
  insert(session: Session): void;
  /**
   * Writes the fields that change: state, deadline, host name, remote address, first connection, DTLS identifier,
   * bytes. They may reach the disk a moment later: comparing with the engine after a start restores what matters.
   */
  update(session: Session): void;
  remove(id: string): void;
  close(): void;
}

/** Changes of one moment share a transaction, which is most of their cost. */
const flushMilliseconds = 100;

/**
 * Sessions in SQLite. WAL with `synchronous = NORMAL` loses nothing when the process is killed; when the whole
 * machine dies the last moments may be missing, and then their tunnels are gone too.
 */
export class SqliteSessionStore implements SessionStore {
  readonly #database: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #update: StatementSync;
  readonly #remove: StatementSync;
  readonly #changed = new Map<string, Session>();
  readonly #failed: (error: unknown) => void;
  #timer: NodeJS.Timeout | undefined;

  /** `failed` hears of writes that are tried again or given up: a full disk must not end any tunnel. */
  constructor(path: string, failed: (error: unknown) => void = () => {}) {
    this.#failed = failed;
    this.#database = new DatabaseSync(path);
    // Before the first page is written: the file holds names and addresses of people.
    chmodSync(path, 0o600);
    this.#database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 2000');
    migrate(this.#database, path);
    this.#insert = this.#database.prepare(
      `INSERT INTO sessions (id, cookie_hash, user, ipv4, ipv6, dtls_id, platform, device_type, device_unique_id,
        user_agent, remote_address, hostname, signed_in_at, ends_at, connected_at, state, deadline)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#update = this.#database.prepare(
      `UPDATE sessions SET state = ?, deadline = ?, hostname = ?, remote_address = ?, connected_at = ?, dtls_id = ?,
        carried_in = ?, carried_out = ?, seen_in = ?, seen_out = ?
       WHERE id = ?`,
    );
    this.#remove = this.#database.prepare('DELETE FROM sessions WHERE id = ?');
  }

  load(): Session[] {
    return this.#database.prepare('SELECT * FROM sessions').all().map(readRow);
  }

  insert(session: Session): void {
    this.#insert.run(
      session.id,
      session.cookieHash,
      session.user,
      session.lease.ipv4,
      session.lease.ipv6 ?? null,
      session.dtlsId,
      session.platform,
      session.deviceType ?? null,
      session.deviceUniqueId ?? null,
      session.userAgent ?? null,
      session.remoteAddress,
      session.hostname ?? null,
      session.signedInAt,
      session.endsAt,
      session.connectedAt ?? null,
      session.state,
      session.deadline,
    );
  }

  update(session: Session): void {
    this.#changed.set(session.id, session);
    this.#timer ??= setTimeout(() => this.flush(), flushMilliseconds).unref();
  }

  /** Writes the changes that wait. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#changed.size === 0) return;
    try {
      this.#database.exec('BEGIN');
      for (const session of this.#changed.values()) {
        this.#update.run(
          session.state,
          session.deadline,
          session.hostname ?? null,
          session.remoteAddress,
          session.connectedAt ?? null,
          session.dtlsId,
          session.carried.bytesIn,
          session.carried.bytesOut,
          session.seen.bytesIn,
          session.seen.bytesOut,
          session.id,
        );
      }
      this.#database.exec('COMMIT');
      this.#changed.clear();
    } catch (error) {
      // The changes stay and go with the next ones.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      this.#failed(error);
    }
  }

  remove(id: string): void {
    this.#changed.delete(id);
    try {
      this.#remove.run(id);
    } catch (error) {
      // After a restart the session ends again, by its time; until then only the record is left.
      this.#failed(error);
    }
  }

  close(): void {
    this.flush();
    this.#database.close();
  }
}

function migrate(database: DatabaseSync, path: string): void {
  const version = Number(database.prepare('PRAGMA user_version').get()?.user_version ?? 0);
  if (version > migrations.length) {
    throw new Error(
      `${path} was written by a newer gateway (schema ${version}, this one knows ${migrations.length})`,
    );
  }
  for (const [index, statement] of migrations.slice(version).entries()) {
    database.exec(`BEGIN; ${statement}; PRAGMA user_version = ${version + index + 1}; COMMIT`);
  }
}

function readRow(row: Record<string, unknown>): Session {
  const text = (name: string) => String(row[name]);
  const optional = (name: string) => (row[name] === null ? undefined : String(row[name]));
  const ipv6 = optional('ipv6');
  return {
    id: text('id'),
    cookieHash: text('cookie_hash'),
    user: text('user'),
    lease: { ipv4: text('ipv4'), ...(ipv6 === undefined ? {} : { ipv6 }) },
    dtlsId: text('dtls_id'),
    platform: text('platform') as Platform,
    deviceType: optional('device_type'),
    deviceUniqueId: optional('device_unique_id'),
    userAgent: optional('user_agent'),
    remoteAddress: text('remote_address'),
    hostname: optional('hostname'),
    signedInAt: Number(row.signed_in_at),
    endsAt: Number(row.ends_at),
    connectedAt: row.connected_at === null ? undefined : Number(row.connected_at),
    state: text('state') as SessionState,
    deadline: Number(row.deadline),
    carried: { bytesIn: Number(row.carried_in), bytesOut: Number(row.carried_out) },
    seen: { bytesIn: Number(row.seen_in), bytesOut: Number(row.seen_out) },
    lost: false,
    mtu: undefined,
  };
}
