import type { AdapterPayload } from 'oidc-provider';
import { InvalidRequest } from 'oidc-provider/lib/helpers/errors.js';

/** Characters of what a request may leave behind before anybody has signed in; those of our clients are below 700. */
const most = 2_048;

/** Characters of a user agent that are kept; real ones are shorter. */
export const mostUserAgent = 256;

/**
 * What is kept of a payload. Throws when a stranger's request would leave more behind in the database than a sign-in needs.
 * The library saves a session after it has answered, when it is too late to refuse: a form whose state is too long just
 * does not work.
 */
export function bounded(payload: AdapterPayload): AdapterPayload {
  const { params, state } = payload;
  if (isLong(params)) {
    throw new InvalidRequest(`the parameters of the request have more than ${most} characters`);
  }
  return isLong(state) ? { ...payload, state: undefined } : payload;
}

function isLong(value: unknown): boolean {
  return value !== undefined && JSON.stringify(value).length > most;
}
