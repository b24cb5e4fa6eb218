import type { AgentRefusalCode } from '@culvert/contracts';

/** Why something was not reached, for programs that decide by it. */
export type UnreachableReason =
  | 'unknownName'
  | 'noNameServer'
  | 'refused'
  | 'timedOut'
  | 'noRoute'
  | 'reset'
  | 'proxyWantsPassword'
  | 'proxyRefuses'
  | 'noTls'
  | 'other';

/** The control plane was not reached; the message says why and what to do. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable';
  readonly reason: UnreachableReason;

  constructor(message: string, reason: UnreachableReason = 'other') {
    super(message);
    this.reason = reason;
  }
}

/** The control plane has answered that it will not. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly code: AgentRefusalCode;
  /** Milliseconds to wait at least, where the answer says so. */
  readonly retryAfter: number | undefined;

  constructor(code: AgentRefusalCode, message: string, retryAfter?: number) {
    super(message);
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

/** What an error of a socket or of name resolution means. */
export function reasonOf({ code }: NodeJS.ErrnoException): UnreachableReason {
  switch (code) {
    case 'ENOTFOUND':
      return 'unknownName';
    case 'EAI_AGAIN':
      return 'noNameServer';
    case 'ECONNREFUSED':
      return 'refused';
    case 'ETIMEDOUT':
      return 'timedOut';
    case 'ENETUNREACH':
    case 'EHOSTUNREACH':
    case 'EADDRNOTAVAIL':
      return 'noRoute';
    case 'ECONNRESET':
    case 'EPIPE':
      return 'reset';
    default:
      return code?.startsWith('ERR_SSL') === true ? 'noTls' : 'other';
  }
}

/** Sentences for the errors of sockets and of name resolution that people meet; `place` is `host:port`. */
export function explainSocketError(error: NodeJS.ErrnoException, place: string): string {
  switch (error.code) {
    case 'ENOTFOUND':
      return `the name of ${place} is not known: check the address, and the DNS server of this host`;
    case 'EAI_AGAIN':
      return `the name of ${place} could not be looked up: the DNS server of this host does not answer`;
    case 'ECONNREFUSED':
      return `nothing listens at ${place}: check the address and port, and that the program there runs`;
    case 'ETIMEDOUT':
    case 'UND_ERR_CONNECT_TIMEOUT':
      return `${place} does not answer in time: check that a firewall lets this host out to it`;
    case 'ENETUNREACH':
    case 'EHOSTUNREACH':
      return `there is no way to ${place} from this host: check its network and its default route`;
    case 'ECONNRESET':
    case 'EPIPE':
    case 'UND_ERR_SOCKET':
      return `${place} closed the connection: it is being restarted, or something on the way cuts connections`;
    case 'UND_ERR_HEADERS_TIMEOUT':
    case 'UND_ERR_BODY_TIMEOUT':
      return `${place} took the request and did not answer in time`;
    default:
      return `${place} cannot be reached: ${error.message}`;
  }
}
