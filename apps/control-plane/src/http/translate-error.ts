import type { FastifyError } from 'fastify';
import { databaseFailure } from '../database/failure.ts';
import { ApiError } from './errors.ts';

/** Seconds after which a caller may try again when the database does not answer. */
const retryAfter = 5;

/** Turns whatever a handler threw into what the caller is told. Causes stay in the log. */
export function asApiError(error: FastifyError | ApiError): ApiError {
  if (error instanceof ApiError) return error;
  switch (databaseFailure(error)) {
    case 'unavailable':
      return new ApiError('ServiceUnavailable', 'the database does not answer now; try again shortly', {
        retryAfter,
      });
    case 'full':
      return new ApiError('InsufficientStorage', 'the disk of the database is full; nothing was changed');
    case 'readOnly':
      return new ApiError('ServiceUnavailable', 'the database takes no changes now; nothing was changed', {
        retryAfter,
      });
    default:
      return translateHttp(error);
  }
}

function translateHttp(error: FastifyError): ApiError {
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new ApiError('RequestEntityTooLarge', 'the body is larger than 256 kB');
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new ApiError('UnsupportedMediaType', 'send the body with "Content-Type: application/json"');
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
      return new ApiError('BadRequest', 'the body is empty; send a JSON object');
    default:
      break;
  }
  if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500) {
    return new ApiError('BadRequest', error.message);
  }
  return new ApiError(
    'InternalServerError',
    'something went wrong here; the log has the details under this request-id',
    {
      cause: error,
    },
  );
}
