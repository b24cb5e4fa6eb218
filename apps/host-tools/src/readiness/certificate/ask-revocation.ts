import type { Ask } from '@culvert/certificates/revocation/check.ts';

/** Milliseconds for one answer, so that two are within the limit of a check. */
const milliseconds = 3_000;

/** Asks responders over HTTP; what is longer than it may be is refused. */
export function askRevocation(signal: AbortSignal): Ask {
  return async ({ url, body, longestAnswer }) => {
    const response = await fetch(url, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(milliseconds)]),
      ...(body === undefined
        ? {}
        : { method: 'POST', headers: { 'content-type': body.type }, body: new Uint8Array(body.content) }),
    });
    if (!response.ok) throw new Error(`it answers with status ${response.status}`);
    const bytes = new Uint8Array(await response.arrayBuffer());
    if (bytes.length > longestAnswer) throw new Error('the answer is too long');
    return bytes;
  };
}
