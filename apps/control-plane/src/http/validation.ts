import { explainIssues } from '@culvert/contracts';
import type { FastifySchemaCompiler } from 'fastify';
import type { z } from 'zod';
import { ApiError } from './errors.ts';

const places: Record<string, string> = {
  body: 'the body',
  querystring: 'the query',
  params: 'the path',
  headers: 'the headers',
};

/** Validates with the zod schemas of the routes; a refusal tells every mistake with its field. */
export const validateRequest: FastifySchemaCompiler<z.ZodType> = ({ schema, httpPart }) => {
  return (value) => {
    const result = schema.safeParse(value);
    if (result.success) return { value: result.data };
    const details = explainIssues(schema, result.error.issues, value);
    const place = places[httpPart ?? ''] ?? 'the request';
    const first =
      details[0] === undefined
        ? ''
        : `: ${details[0].path === '' ? '' : `${details[0].path}: `}${details[0].message}`;
    const count = details.length === 1 ? 'a mistake' : `${details.length} mistakes`;
    return { error: new ApiError('BadRequest', `${place} has ${count}${first}`, { details }) };
  };
};
