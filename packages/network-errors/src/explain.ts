const explanations: Record<string, string> = {
  ENOTFOUND: 'its name is not known to DNS',
  EAI_AGAIN: 'DNS does not answer',
  EAI_NODATA: 'its name has no address in DNS',
  ECONNREFUSED: 'the connection is refused',
  ECONNRESET: 'the connection was closed',
  EPIPE: 'the connection was closed',
  UND_ERR_SOCKET: 'the connection was closed',
  EHOSTUNREACH: 'there is no way to it',
  ENETUNREACH: 'there is no way to it',
  ETIMEDOUT: 'it does not answer in time',
  UND_ERR_CONNECT_TIMEOUT: 'it does not answer in time',
  UND_ERR_HEADERS_TIMEOUT: 'it does not answer in time',
  UND_ERR_BODY_TIMEOUT: 'it does not answer in time',
  UND_ERR_ABORTED: 'it does not answer in time',
  ABORT_ERR: 'it does not answer in time',
};

/** Says in words why an address could not be reached; completes "ADDRESS is not reachable: …". */
export function explainNetworkError(error: unknown): string {
  for (const each of causesOf(error)) {
    const code = String(Reflect.get(each, 'code') ?? '');
    const explanation = explanations[code];
    if (explanation !== undefined) return explanation;
    if (each.name === 'AbortError' || each.name === 'TimeoutError') return 'it does not answer in time';
    if (isTlsCode(code)) return `TLS failed: ${each.message}`;
  }
  return error instanceof Error && error.message !== '' ? error.message : 'the reason is not known';
}

/** OpenSSL's own codes, and those of Node for certificates. */
function isTlsCode(code: string): boolean {
  return /^(ERR_SSL_|ERR_TLS_|CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|HOSTNAME_MISMATCH|EPROTO)/.test(code);
}

/** The error and what is behind it; of several tries in one error each. */
function causesOf(error: unknown, depth = 0): Error[] {
  if (!(error instanceof Error) || depth > 5) return [];
  const parts: unknown[] = error instanceof AggregateError ? error.errors : [];
  return [error, ...[error.cause, ...parts].flatMap((part) => causesOf(part, depth + 1))];
}
