import type { FastifyError } from 'fastify';
import { type DatabaseFailure, databaseFailure } from '../database/failure.ts';
import { ApiError } from './errors.ts';

/** Seconds after which a caller may try again when the database does not answer. */
const retryAfter = 5;

/** Turns whatever a handler threw into what the caller is told. Causes stay in the log. */
export function asApiError(error: FastifyError | ApiError): ApiError {
  if (error instanceof ApiError) return error;
  const failure = databaseFailure(error);
  return failure === undefined ? translateHttp(error) : translateDatabase(failure);
}

function translateDatabase(failure: DatabaseFailure): ApiError {
  switch (failure.kind) {
    case 'unavailable':
      return new ApiError('ServiceUnavailable', 'the database does not answer now; try again shortly', {
        retryAfter,
      });
    case 'contended':
      return new ApiError(
        'ServiceUnavailable',
        'others were changing the same at this moment; nothing was changed; try again',
        { retryAfter: 1 },
      );
    case 'full':
      return new ApiError(
        'InsufficientStorage',
        'the disk of the database is full; nothing was changed; free space there and try again',
      );
    case 'readOnly':
      return new ApiError('ServiceUnavailable', 'the database takes no changes now; nothing was changed', {
        retryAfter,
      });
    case 'taken':
      return taken(failure.columns.map(fieldOf));
    case 'referenced':
      return new ApiError(
        'Conflict',
        'something else needs this object, or what it refers to is not there any more; read both again',
      );
  }
}

function taken(fields: readonly string[]): ApiError {
  const details = fields.map((path) => ({ path, message: 'is taken; choose another' }));
  const what = fields.length === 0 ? 'values' : fields.join(', ');
  return new ApiError('Conflict', `there is one already with the same ${what}`, { details });
}

/** Columns are the names of the fields in another way of writing. */
function fieldOf(column: string): string {
  return column.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
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
  if (error.statusCode === 416) {
    // They say how long the file is (RFC 9110 §15.5.17).
    const { headers = {} } = error as FastifyError & { headers?: Record<string, string> };
    const message = 'the file does not have the part that "Range" asks for';
    return new ApiError('RangeNotSatisfiable', message, { headers });
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
