import type { FastifyInstance } from 'fastify';
import type { Context } from '../context.ts';
import { registerResource } from '../graph/routes.ts';
import { serverConfigurationResource } from './resource.ts';

/** Server configurations. */
export function registerServerConfigurations(application: FastifyInstance, context: Context): void {
  registerResource(application, context, serverConfigurationResource);
}
