import type { Finding } from '@culvert/contracts';
import { z } from 'zod';

/** Codes of errors, in the manner of Graph, with the HTTP status that each has. */
export const errorStatus = {
  BadRequest: 400,
  InvalidAuthenticationToken: 401,
  Forbidden: 403,
  ResourceNotFound: 404,
  MethodNotAllowed: 405,
  RequestTimeout: 408,
  Conflict: 409,
  PreconditionFailed: 412,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
  RangeNotSatisfiable: 416,
  TooManyRequests: 429,
  HeaderFieldsTooLarge: 431,
  InternalServerError: 500,
  ServiceUnavailable: 503,
  InsufficientStorage: 507,
} as const;

export type ErrorCode = keyof typeof errorStatus;

export interface ApiErrorOptions {
  /** Every mistake, each with its field. */
  details?: readonly Finding[];
  /** Seconds after which the caller may try again. */
  retryAfter?: number;
  headers?: Record<string, string>;
  cause?: unknown;
}

/** A refusal that the caller is told about. Throw it anywhere below a route. */
export class ApiError extends Error {
  readonly code: ErrorCode;
  readonly details: readonly Finding[];
  readonly headers: Record<string, string>;

  constructor(code: ErrorCode, message: string, options: ApiErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? [];
    const wait = options.retryAfter === undefined ? {} : { 'retry-after': String(options.retryAfter) };
    this.headers = { ...options.headers, ...wait };
  }

  get status(): number {
    return errorStatus[this.code];
  }
}

/** The body of an error as Graph writes it. */
export const errorSchema = z.object({
  error: z.object({
    code: z.enum(Object.keys(errorStatus) as [ErrorCode, ...ErrorCode[]]),
    message: z.string().describe('What happened and what to do'),
    details: z
      .array(z.object({ code: z.literal('InvalidField'), target: z.string(), message: z.string() }))
      .optional()
      .describe('Every mistake, each with its field'),
    innerError: z.object({ date: z.string(), 'request-id': z.string() }),
  }),
});

/** The body that tells of an error. */
export function errorBody(error: ApiError, requestId: string, now: Date): z.output<typeof errorSchema> {
  const details = error.details.map(({ path, found, message }) => ({
    code: 'InvalidField' as const,
    target: path,
    message: found === undefined ? message : `found ${found}; ${message}`,
  }));
  return {
    error: {
      code: error.code,
      message: error.message,
      ...(details.length === 0 ? {} : { details }),
      innerError: { date: now.toISOString(), 'request-id': requestId },
    },
  };
}
