/**
 * Why a statement failed for a reason that a caller can be told; undefined for everything else.
 * `contended`: others were changing the same rows.
 */
export type DatabaseFailure =
  | { kind: 'unavailable' | 'contended' | 'full' | 'readOnly' | 'referenced' }
  | {
      kind: 'taken';
      /** The columns whose values somebody else has; empty when the engine does not tell. */
      columns: readonly string[];
    };

/**
 * SQLSTATE classes and codes of a PostgreSQL that cannot answer now (PostgreSQL documentation, appendix A). 0A000 is what
 * a prepared statement gets after another release has changed the tables.
 */
const unavailable = /^(08...|57P0[1-5]|53300|57014|0A000)$/;
/** Serialization failure, deadlock, lock not available. */
const contended = /^(40001|40P01|55P03)$/;
const connectionErrors = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);
const connectionMessages =
  /connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Query read timeout/i;

/** SQLite result codes (sqlite.org/rescode.html). */
const sqlite = { busy: 5, readOnly: 8, ioError: 10, full: 13, cannotOpen: 14 };
const sqliteExtended = { foreignKey: 787, primaryKey: 1555, unique: 2067 };

/** What Node and the engines add to an error. */
interface Details {
  code: string;
  errcode: number;
  detail: string;
  syscall: string;
}

/** Sorts an error of either engine. */
export function databaseFailure(error: unknown): DatabaseFailure | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, errcode, detail, syscall } = error as Error & Partial<Details>;
  if (code === 'ERR_SQLITE_ERROR' && errcode !== undefined) return sqliteFailure(errcode, error.message);
  if (code === '23505') return { kind: 'taken', columns: columnsOfDetail(detail ?? '') };
  if (code === '23503') return { kind: 'referenced' };
  if (code === '53100') return { kind: 'full' };
  if (code === '25006') return { kind: 'readOnly' };
  if (code !== undefined && contended.test(code)) return { kind: 'contended' };
  if (code !== undefined && (unavailable.test(code) || connectionErrors.has(code)))
    return { kind: 'unavailable' };
  // A socket of PostgreSQL that is not there; other files are none of the database's.
  if (code === 'ENOENT' && syscall === 'connect') return { kind: 'unavailable' };
  if (connectionMessages.test(error.message)) return { kind: 'unavailable' };
  // A pool wraps what went wrong below it.
  return error.cause === undefined ? undefined : databaseFailure(error.cause);
}

function sqliteFailure(extended: number, message: string): DatabaseFailure | undefined {
  switch (extended) {
    case sqliteExtended.unique:
    case sqliteExtended.primaryKey:
      return { kind: 'taken', columns: columnsOfMessage(message) };
    case sqliteExtended.foreignKey:
      return { kind: 'referenced' };
    default:
      break;
  }
  switch (extended & 0xff) {
    case sqlite.full:
      return { kind: 'full' };
    case sqlite.readOnly:
      return { kind: 'readOnly' };
    case sqlite.busy:
      return { kind: 'contended' };
    case sqlite.ioError:
    case sqlite.cannotOpen:
      return { kind: 'unavailable' };
    default:
      return undefined;
  }
}

/** `Key (member_kind, member)=(account, x) already exists.` Values never get into errors. */
function columnsOfDetail(detail: string): string[] {
  const list = /^Key \((.*?)\)=/.exec(detail)?.[1] ?? '';
  return list.split(', ').filter((name) => /^[a-z_0-9]+$/.test(name));
}

/** `UNIQUE constraint failed: roles.member_kind, roles.member` */
function columnsOfMessage(message: string): string[] {
  return [...message.matchAll(/\b[a-z_0-9]+\.([a-z_0-9]+)/g)].map(([, column]) => String(column));
}
