import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Access } from '../http/access.ts';
import { type ErrorCode, errorSchema, errorStatus } from '../http/errors.ts';
import { permissionName } from '../permissions/permissions.ts';
import { tags } from './tags.ts';

/** What the transform of a route leaves for `completeOperation`; the document does not show it. */
const note = 'x-culvert-route';

interface RouteNote {
  access: Access;
  errors: readonly ErrorCode[];
  /** True when the route answers without a body as well. */
  hasOptionalBody: boolean;
}

type Operation = Record<string, unknown> & { responses: Record<string, unknown>; parameters?: unknown[] };

/** How the OpenAPI document is made from the routes. What holds for many operations is said here, once. */
export function documentOptions(publicUrl: string): FastifyDynamicSwaggerOptions {
  return {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Culvert control plane',
        version: '0.1.0',
        description:
          'Objects of the tunnel in the shape of Microsoft Graph (beta) below `/graph/beta/deviceManagement`; everything else below `/api/v1`, in the same style.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: publicUrl }],
      tags: [...tags],
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: [{ token: [] }],
    },
    transform: (input) => {
      const { schema, url } = jsonSchemaTransform(input);
      const { access = 'public', errors = [] } = input.route.config ?? {};
      const { body } = input.schema as { body?: unknown };
      const hasOptionalBody = body instanceof z.ZodType && body.safeParse(undefined).success;
      const noted: RouteNote = { access, errors, hasOptionalBody };
      return { schema: { ...schema, [note]: noted } as typeof schema, url };
    },
    transformObject: (input) => {
      const document = ('openapiObject' in input ? input.openapiObject : input.swaggerObject) as {
        paths?: Record<string, Record<string, Operation>>;
        components?: { schemas?: Record<string, unknown> };
      };
      for (const methods of Object.values(document.paths ?? {})) {
        for (const [method, operation] of Object.entries(methods)) completeOperation(method, operation);
      }
      const { $schema: _, ...error } = z.toJSONSchema(errorSchema, { io: 'output' });
      const schemas = { ...document.components?.schemas, Error: error };
      return { ...document, components: { ...document.components, schemas } };
    },
  };
}

/** Adds security, If-Match and the errors that this operation can have. */
function completeOperation(method: string, operation: Operation): void {
  const { access, errors, hasOptionalBody } = operation[note] as RouteNote;
  delete operation[note];
  const hasPath = (operation.parameters as { in: string }[] | undefined)?.some((one) => one.in === 'path');
  const changesOne = ['patch', 'put', 'delete'].includes(method);
  const codes: ErrorCode[] = ['BadRequest', 'InternalServerError', 'ServiceUnavailable', ...errors];
  if (hasOptionalBody) Object.assign(operation.requestBody as object, { required: false });
  if (access === 'public') operation.security = [];
  else codes.push('InvalidAuthenticationToken', 'Forbidden');
  if (access !== 'public' && access !== 'signedIn') {
    operation.description = `Needs the permission "${permissionName(access)}" (\`${access}\`).`;
  }
  if (hasPath === true) codes.push('ResourceNotFound');
  if (method !== 'get') codes.push('Conflict', 'InsufficientStorage');
  // A body is refused by its length and type also where none is needed.
  if (method !== 'get') codes.push('RequestEntityTooLarge', 'UnsupportedMediaType');
  if (changesOne) {
    codes.push('PreconditionFailed');
    operation.parameters = [...(operation.parameters ?? []), ifMatch];
  }
  for (const code of codes) operation.responses[errorStatus[code]] ??= errorResponse(code);
  for (const response of Object.values(operation.responses)) {
    const { headers, description } = response as { headers?: object; description?: string };
    Object.assign(response as object, {
      description: description === 'Default Response' ? 'Success' : description,
      headers: { ...headers, 'request-id': headerOf('Identifies this request in the log') },
    });
  }
}

const ifMatch = {
  in: 'header',
  name: 'If-Match',
  required: false,
  description: 'The `@odata.etag` that was read; when the object has another one by now, nothing is changed',
  schema: { type: 'string' },
};

const descriptions: Record<ErrorCode, string> = {
  BadRequest: 'The request has mistakes; each is told with its field',
  InvalidAuthenticationToken: 'There is no token, or it is not valid any more',
  Forbidden: 'The caller lacks the permission, or it does not reach the object',
  ResourceNotFound: 'There is no such object, or the caller may not know of it',
  MethodNotAllowed: 'The address has no such method',
  RequestTimeout: 'The request did not arrive in time',
  Conflict: 'The state of other objects forbids it',
  PreconditionFailed: 'Somebody has changed the object in between',
  RequestEntityTooLarge: 'The body is larger than 256 kB',
  UnsupportedMediaType: 'The body is not `application/json`',
  RangeNotSatisfiable: 'The file does not have the part that `Range` asks for',
  TooManyRequests: 'Too many attempts',
  HeaderFieldsTooLarge: 'The headers are longer than 16 kB',
  InternalServerError: 'Something went wrong here',
  ServiceUnavailable: 'The database does not answer now',
  InsufficientStorage: 'The disk of the database is full',
};

function errorResponse(code: ErrorCode) {
  const headers: Record<string, unknown> = {};
  if (code === 'InvalidAuthenticationToken')
    headers['www-authenticate'] = headerOf('How to sign in (RFC 6750)');
  if (code === 'ServiceUnavailable' || code === 'TooManyRequests')
    headers['retry-after'] = headerOf('Seconds after which to try again');
  return {
    description: descriptions[code],
    headers,
    content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
  };
}

function headerOf(description: string) {
  return { description, schema: { type: 'string' } };
}
