import type { AdapterPayload } from 'oidc-provider';
import { InvalidRequest } from 'oidc-provider/lib/helpers/errors.js';

/** Characters of what a request may leave behind before anybody has signed in; those of our clients are below 700. */
const most = 2_048;

/** Characters of a user agent that are kept; real ones are shorter. */
export const mostUserAgent = 256;

/** Throws when a stranger's request would leave more behind in the database than a sign-in needs. */
export function requireShort({ params, state }: AdapterPayload): void {
  if (JSON.stringify([params, state]).length <= most) return;
  throw new InvalidRequest(`the parameters of the request have more than ${most} characters`);
}
