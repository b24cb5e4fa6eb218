import { z } from 'zod';

/** Bytes of one piece at most. */
export const logPieceBytes = 256 * 1024;
/** Bytes of one archive at most. */
export const logArchiveBytes = 64 * 1024 * 1024;

/**
 * `PUT /agent/v1/log-collections/{collection}/pieces/{offset}` takes a piece (`application/octet-stream`, at most
 * `logPieceBytes`) and `GET /agent/v1/log-collections/{collection}` tells how much is there: after a break the agent goes on
 * from `receivedBytes`. A piece that is there already is taken again as long as it is the same.
 */
export const logUploadStateSchema = z.strictObject({ receivedBytes: z.int().min(0) });

/** `POST /agent/v1/log-collections/{collection}/complete`: the archive is whole, or will never be. */
export const logUploadEndSchema = z.discriminatedUnion('outcome', [
  z.strictObject({
    outcome: z.literal('completed'),
    sizeInBytes: z.int().min(1).max(logArchiveBytes),
    /** Lower-case hex. */
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
  }),
  z.strictObject({ outcome: z.literal('failed'), reason: z.string().max(1000) }),
]);

/** `PUT /agent/v1/recent-logs`: each hour, lines of warning and above since the last time, redacted, gzip. May be empty. */
export const recentLogsBytes = 256 * 1024;
