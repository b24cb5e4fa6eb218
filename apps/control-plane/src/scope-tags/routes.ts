import type { FastifyInstance } from 'fastify';
import type { Context } from '../context.ts';
import { registerResource } from '../graph/routes.ts';
import { scopeTagResource } from './resource.ts';

/** Scope tags. */
export function registerScopeTags(application: FastifyInstance, context: Context): void {
  registerResource(application, context, scopeTagResource);
}
