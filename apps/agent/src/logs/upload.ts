import { open } from 'node:fs/promises';
import { logPieceBytes, type logUploadEndSchema, logUploadStateSchema } from '@culvert/contracts';
import type { z } from 'zod';
import type { Archive } from './archive.ts';

/** The part of the control plane's listener that uploads need. Rejects when the request did not succeed. */
export interface UploadTarget {
  send(
    method: 'GET' | 'POST' | 'PUT',
    path: string,
    body?: Buffer | string,
    options?: { contentType?: string; signal?: AbortSignal },
  ): Promise<string>;
}

/** Times that an archive is sent again as a whole because it arrived changed. */
const mostRounds = 3;

/** An archive arrived changed again and again: something on the way changes it. */
export class ChangedOnTheWay extends Error {
  override readonly name = 'ChangedOnTheWay';
}

/**
 * Sends an archive to its collection, going on from what is there already. Resolves when the control plane has it whole; rejects
 * with what the target rejects with.
 */
export async function uploadArchive(
  target: UploadTarget,
  collection: string,
  file: string,
  archive: Archive,
  signal: AbortSignal,
): Promise<void> {
  const base = `/agent/v1/log-collections/${collection}`;
  const handle = await open(file, 'r');
  try {
    let received = readState(await target.send('GET', base, undefined, { signal }));
    for (let round = 0; round < mostRounds; round += 1) {
      while (received < archive.sizeInBytes) {
        const piece = Buffer.alloc(Math.min(logPieceBytes, archive.sizeInBytes - received));
        await handle.read(piece, 0, piece.length, received);
        const options = { contentType: 'application/octet-stream', signal };
        received = readState(await target.send('PUT', `${base}/pieces/${received}`, piece, options));
      }
      received = await sendEnd(target, collection, { outcome: 'completed', ...archive }, signal);
      if (received === archive.sizeInBytes) return;
    }
    throw new ChangedOnTheWay(
      'the archive arrived changed every time: something on the way to the control plane changes it',
    );
  } finally {
    await handle.close();
  }
}

/** Tells how a collection has ended; resolves to the bytes that are there. */
export async function sendEnd(
  target: UploadTarget,
  collection: string,
  end: z.output<typeof logUploadEndSchema>,
  signal: AbortSignal,
): Promise<number> {
  const path = `/agent/v1/log-collections/${collection}/complete`;
  const options = { contentType: 'application/json', signal };
  return readState(await target.send('POST', path, JSON.stringify(end), options));
}

function readState(text: string): number {
  return logUploadStateSchema.parse(JSON.parse(text)).receivedBytes;
}
