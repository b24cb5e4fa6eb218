/** Why a statement failed for a reason that is not the statement's own; undefined for everything else. */
export type DatabaseFailure = 'unavailable' | 'full' | 'readOnly';

/**
 * SQLSTATE classes and codes of a PostgreSQL that cannot answer now (PostgreSQL documentation, appendix A). 0A000 is what
 * a prepared statement gets after another release has changed the tables.
 */
const unavailable = /^(08...|57P0[1-5]|53300|40001|40P01|55P03|57014|0A000)$/;
const connectionErrors = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOENT',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);
const connectionMessages =
  /connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error/i;

/** SQLite result codes (sqlite.org/rescode.html). */
const sqlite = { busy: 5, readOnly: 8, ioError: 10, full: 13, cannotOpen: 14 };

/** Sorts an error of either engine. */
export function databaseFailure(error: unknown): DatabaseFailure | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, errcode } = error as Error & { code?: string; errcode?: number };
  if (code === 'ERR_SQLITE_ERROR' && errcode !== undefined) return sqliteFailure(errcode & 0xff);
  if (code === '53100') return 'full';
  if (code === '25006') return 'readOnly';
  if (code !== undefined && (unavailable.test(code) || connectionErrors.has(code))) return 'unavailable';
  if (connectionMessages.test(error.message)) return 'unavailable';
  // A pool wraps what went wrong below it.
  return error.cause === undefined ? undefined : databaseFailure(error.cause);
}

function sqliteFailure(code: number): DatabaseFailure | undefined {
  switch (code) {
    case sqlite.full:
      return 'full';
    case sqlite.readOnly:
      return 'readOnly';
    case sqlite.busy:
    case sqlite.ioError:
    case sqlite.cannotOpen:
      return 'unavailable';
    default:
      return undefined;
  }
}
