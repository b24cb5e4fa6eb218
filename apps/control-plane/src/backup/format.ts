import { z } from 'zod';
import { BackupFailure } from './failure.ts';

/**
 * A backup is gzip over lines of JSON: the header, then the rows of each table in the order of the header, each a list of
 * values in the order of its columns, then the checksum of all lines before.
 */
export const formatVersion = 1;

const format = 'culvert-backup';

const headerSchema = z.strictObject({
  format: z.literal(format),
  formatVersion: z.literal(formatVersion),
  /** The release that wrote it. */
  productVersion: z.string(),
  /** Name of the newest migration of the database. */
  schema: z.string(),
  createdAt: z.iso.datetime(),
  /** Which key opens the secrets in it; see `SecretBox.keyId`. */
  secretsKeyId: z.string(),
  tables: z.array(
    z.strictObject({
      name: z.string(),
      columns: z.array(z.string()).min(1),
      rows: z.int().min(0),
    }),
  ),
});

export type BackupHeader = z.output<typeof headerSchema>;

/** A value of a column. Integers beyond 2^53 are bigints. */
export type BackupValue = string | number | bigint | null;

export function formatHeader(header: Omit<BackupHeader, 'format' | 'formatVersion'>): string {
  return JSON.stringify({ format, formatVersion, ...header } satisfies BackupHeader);
}

/** Reads the first line. Throws a BackupFailure that says whether the file is newer than this release or no backup. */
export function parseHeader(line: string): BackupHeader {
  const document = parseLine(line);
  const marks = z.object({ format: z.literal(format), formatVersion: z.int() }).safeParse(document);
  if (!marks.success) throw new BackupFailure('this is not a backup of a control plane');
  if (marks.data.formatVersion > formatVersion) {
    throw new BackupFailure(
      `the backup has format ${marks.data.formatVersion} and this release reads up to ${formatVersion}: restore it with the release that made it, or a later one`,
    );
  }
  const header = headerSchema.safeParse(document);
  if (!header.success) throw new BackupFailure('the header of the backup was changed; use another backup');
  return header.data;
}

export function formatRow(values: readonly BackupValue[]): string {
  return JSON.stringify(
    values.map((value) => (typeof value === 'bigint' ? { integer: value.toString() } : value)),
  );
}

const rowSchema = z.array(
  z.union([z.string(), z.int(), z.null(), z.strictObject({ integer: z.string().regex(/^-?\d{1,19}$/) })]),
);

/** Reads the values of a row; as many as there are columns. */
export function parseRow(line: string, columns: number): BackupValue[] {
  const row = rowSchema.safeParse(parseLine(line));
  if (!row.success || row.data.length !== columns) throw changed();
  return row.data.map((value) =>
    typeof value === 'object' && value !== null ? BigInt(value.integer) : value,
  );
}

/** The value of an integer column that was read as text, which loses nothing on either engine. */
export function integerOfText(text: string): number | bigint {
  const value = BigInt(text);
  const isSafe = value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER;
  return isSafe ? Number(value) : value;
}

export function formatChecksum(sha256: string): string {
  return JSON.stringify({ sha256 });
}

export function parseChecksum(line: string): string {
  const checksum = z.strictObject({ sha256: z.string() }).safeParse(parseLine(line));
  if (!checksum.success) throw changed();
  return checksum.data.sha256;
}

/** The refusal for a file that is not as it was written. */
export function changed(): BackupFailure {
  return new BackupFailure('the backup is cut off or was changed since it was made; use another one');
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw changed();
  }
}
