import type { FastifyInstance } from 'fastify';
import type { Access } from '../http/access.ts';

/** A route with its method, as it was registered. */
export interface KnownRoute {
  method: string;
  /** As it is written, with `:name` for its parameters. */
  url: string;
  readonly access: Access | undefined;
}

/** Remembers every route that is registered after it; give it to `testApplication` before the others. */
export function collectRoutes(into: KnownRoute[]): (application: FastifyInstance) => void {
  return (application) => {
    application.addHook('onRoute', (route) => {
      for (const method of [route.method].flat()) {
        into.push({
          method,
          url: route.url,
          // Hooks of a part of the application may still change it.
          get access() {
            return route.config?.access;
          },
        });
      }
    });
  };
}

/** An address of the route that names objects that do not exist. */
export function exampleUrl({ url }: KnownRoute): string {
  return url.replace(/:\w+/g, '0').replace('*', '');
}
