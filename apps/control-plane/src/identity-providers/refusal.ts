import {
  AuthorizationResponseError,
  ClientError,
  ResponseBodyError,
  WWWAuthenticateChallengeError,
} from 'openid-client';

/** Why an identity provider did not bring somebody in, with a sentence that says what to do. */
export interface UpstreamRefusal {
  readonly kind:
    | 'unreachable'
    | 'wrongIssuer'
    | 'clientRefused'
    | 'cancelled'
    | 'notForUs'
    | 'expired'
    | 'claimMissing'
    | 'groupsMissing'
    | 'notInGroup'
    | 'disabled'
    | 'throttled';
  readonly message: string;
}

/** Seconds within which a provider must answer. */
export const timeout = 10;

/** The refusal that an error of the library stands for. Throws what is no answer of a provider but a mistake of ours. */
export function refusalOfError(error: unknown): UpstreamRefusal {
  if (error instanceof AuthorizationResponseError) return refusalOfAnswer(error.error);
  if (error instanceof ResponseBodyError) {
    const message = `the provider refuses our client (${plain(error.error)}); check the client id, its secret and the redirect address there`;
    return { kind: 'clientRefused', message };
  }
  if (error instanceof WWWAuthenticateChallengeError) {
    const message = `the provider refuses its own token (status ${error.status}); check the scopes`;
    return { kind: 'clientRefused', message };
  }
  if (error instanceof TypeError && error.message === 'fetch failed') return unreachable(error.cause);
  if (error instanceof ClientError) return refusalOfCode(error);
  throw error;
}

/** RFC 6749 §4.1.2.1: what a provider says instead of a code. */
function refusalOfAnswer(code: string): UpstreamRefusal {
  return code === 'access_denied'
    ? { kind: 'cancelled', message: 'the sign-in was cancelled, or the provider does not let you in' }
    : {
        kind: 'clientRefused',
        message: `the provider answered "${plain(code)}"; check the client and its scopes there`,
      };
}

function refusalOfCode({ code, cause, message }: ClientError): UpstreamRefusal {
  switch (code) {
    case 'OAUTH_TIMEOUT':
      return { kind: 'unreachable', message: `the provider did not answer within ${timeout} seconds` };
    case 'OAUTH_RESPONSE_IS_NOT_CONFORM':
      return {
        kind: 'unreachable',
        message: `the provider answered with ${statusOf(cause)}; check the issuer`,
      };
    case 'OAUTH_RESPONSE_IS_NOT_JSON':
    case 'OAUTH_PARSE_ERROR':
      return {
        kind: 'unreachable',
        message: 'the answer is not that of an OpenID provider; check the issuer',
      };
    case 'OAUTH_HTTP_REQUEST_FORBIDDEN':
    case 'OAUTH_REQUEST_PROTOCOL_FORBIDDEN':
      return {
        kind: 'wrongIssuer',
        message: 'the provider names an address without https; it must not be used',
      };
    case 'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED':
      return {
        kind: 'wrongIssuer',
        message: 'the provider calls itself by another issuer; enter the issuer exactly as it does',
      };
    case 'OAUTH_JWT_TIMESTAMP_CHECK_FAILED':
      return {
        kind: 'notForUs',
        message: 'the answer of the provider has expired or is not valid yet; compare the clocks of both',
      };
    case undefined:
      throw new Error(message, { cause });
    default:
      return {
        kind: 'notForUs',
        message: `the answer of the provider is not for this sign-in (${reasonOf(cause) ?? message})`,
      };
  }
}

function unreachable(cause: unknown): UpstreamRefusal {
  const { code } = (cause ?? {}) as { code?: unknown };
  const reason = typeof code === 'string' ? (reasons[code] ?? code) : 'no connection';
  return { kind: 'unreachable', message: `the provider cannot be reached: ${reason}` };
}

const reasons: Record<string, string> = {
  ENOTFOUND: 'its name does not resolve (ENOTFOUND)',
  ECONNREFUSED: 'it refuses connections (ECONNREFUSED)',
  UND_ERR_SOCKET: 'it closed the connection (UND_ERR_SOCKET)',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'its certificate is of an authority that this machine does not know; name its file in NODE_EXTRA_CA_CERTS',
  SELF_SIGNED_CERT_IN_CHAIN:
    'its certificate is of an authority that this machine does not know; name its file in NODE_EXTRA_CA_CERTS',
  DEPTH_ZERO_SELF_SIGNED_CERT:
    'its certificate is of an authority that this machine does not know; name its file in NODE_EXTRA_CA_CERTS',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
};

function statusOf(cause: unknown): string {
  return cause instanceof Response ? `status ${cause.status}` : 'an unexpected status';
}

/** The claim that is wrong, when the library tells it; never its value. */
function reasonOf(cause: unknown): string | undefined {
  const inner = cause instanceof Error ? cause : undefined;
  const { claim } = (inner?.cause ?? {}) as { claim?: unknown };
  if (typeof claim === 'string') return `claim "${plain(claim)}"`;
  return inner?.message.slice(0, 200);
}

/** Words of a protocol from outside, without what could disturb a page or a log. */
function plain(code: string): string {
  return code.replace(/[^\w.:/-]/g, '').slice(0, 60);
}
