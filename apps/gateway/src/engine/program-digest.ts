import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';

/** SHA-256 of a program file, lower-case hex. Rejects with the system's error when it cannot be read. */
export async function programDigest(file: string): Promise<string> {
  const digest = createHash('sha256');
  await pipeline(createReadStream(file), digest);
  return digest.digest('hex');
}

/** That of the program of a running process, also when its file has been replaced or deleted. */
export function runningProgramDigest(processId: number): Promise<string> {
  return programDigest(`/proc/${processId}/exe`);
}
