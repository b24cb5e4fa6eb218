import { ApiError } from '../http/errors.ts';

/** The weak entity tag of an object in this version (RFC 9110 §8.8.3). */
export function etagOf(id: string, version: number): string {
  return `W/"${id}.${version}"`;
}

/** Throws when the caller has changed another version than the present one; without If-Match nothing is asked. */
export function checkIfMatch(ifMatch: string | undefined, present: string): void {
  if (ifMatch === undefined || ifMatch.trim() === '*') return;
  const opaque = (tag: string) => tag.trim().replace(/^W\//, '');
  if (ifMatch.split(',').some((tag) => opaque(tag) === opaque(present))) return;
  throw lostUpdate();
}

/** The refusal for a change of something that has changed in between. */
export function lostUpdate(): ApiError {
  return new ApiError(
    'PreconditionFailed',
    'somebody has changed it in between; read it again and send its new @odata.etag as If-Match',
  );
}
