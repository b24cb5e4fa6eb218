import type { AgentRefusalCode, agentRefusalSchema } from '@culvert/contracts';
import type { FastifyError } from 'fastify';
import type { z } from 'zod';
import { ApiError } from '../http/errors.ts';
import { asApiError } from '../http/translate-error.ts';

/** The HTTP status of each refusal of an agent. */
const statusOf: Record<AgentRefusalCode, number> = {
  unknownCertificate: 401,
  certificateExpired: 401,
  certificateRevoked: 401,
  serverDeleted: 401,
  joinTokenUnknown: 403,
  joinTokenUsed: 403,
  joinTokenExpired: 403,
  notAllowed: 403,
  invalid: 400,
  tooManyRequests: 429,
  unavailable: 503,
};

/** An agent is told that it gets nothing, and why. Throw it anywhere below a route of the listener. */
export class AgentRefusal extends Error {
  readonly code: AgentRefusalCode;
  readonly retryAfter: number | undefined;

  /** `retryAfter` in seconds. */
  constructor(code: AgentRefusalCode, message: string, retryAfter?: number) {
    super(message);
    this.code = code;
    this.retryAfter = retryAfter;
  }

  get status(): number {
    return statusOf[this.code];
  }
}

/** Turns whatever was thrown into what an agent is told, and whether it is a fault of ours. */
export function asRefusal(error: FastifyError | Error): { refusal: AgentRefusal; isFault: boolean } {
  if (error instanceof AgentRefusal) return { refusal: error, isFault: false };
  const known = error instanceof ApiError ? error : asApiError(error as FastifyError);
  const retryAfter = Number(known.headers['retry-after'] ?? 0);
  switch (known.code) {
    case 'InvalidAuthenticationToken':
    case 'Forbidden':
    case 'ResourceNotFound':
      return { refusal: new AgentRefusal('notAllowed', known.message), isFault: false };
    case 'TooManyRequests':
      return { refusal: new AgentRefusal('tooManyRequests', known.message, retryAfter || 5), isFault: false };
    case 'ServiceUnavailable':
    case 'InsufficientStorage':
      return { refusal: new AgentRefusal('unavailable', known.message, retryAfter || 5), isFault: true };
    case 'InternalServerError':
      return { refusal: new AgentRefusal('unavailable', known.message, 30), isFault: true };
    default: {
      const details = known.details.map(({ path, message }) =>
        path === '' ? message : `${path}: ${message}`,
      );
      const message = details.length === 0 ? known.message : details.slice(0, 5).join('; ');
      return { refusal: new AgentRefusal('invalid', message), isFault: false };
    }
  }
}

/** The body of every answer that is no success. */
export function refusalBody(code: AgentRefusalCode, message: string): z.output<typeof agentRefusalSchema> {
  return { error: { code, message } };
}
