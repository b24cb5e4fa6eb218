import type { FastifyInstance, FastifyRequest, RouteOptions } from 'fastify';
import type { Context } from '../context.ts';
import { type Caller, hasPermission } from '../permissions/caller.ts';
import { type Permission, permissionName } from '../permissions/permissions.ts';
import { ApiError, type ErrorCode } from './errors.ts';

/** Who may use a route: anybody, anybody who is signed in, or callers with a permission. */
export type Access = 'public' | 'signedIn' | Permission;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Every route says it; one that does not keeps the process from starting. */
    access?: Access;
    /** Errors that the document names besides those that every route of its kind has. */
    errors?: readonly ErrorCode[];
    /** Methods that callers may expect of this path, and why it has none of them. */
    refused?: Readonly<Record<string, string>>;
  }
  interface FastifyRequest {
    caller: Caller | undefined;
  }
}

/** Checks permissions before any handler runs. */
export function enforceAccess(application: FastifyInstance, context: Context): void {
  application.decorateRequest('caller', undefined);
  const routes: RouteOptions[] = [];
  application.addHook('onRoute', (route) => {
    routes.push(route);
  });
  application.addHook('onReady', async () => {
    for (const { method, url, config } of routes) {
      if (config?.access === undefined) throw new Error(`${method} ${url} says no access`);
    }
  });
  application.addHook('onRequest', async (request) => {
    const { access } = request.routeOptions.config;
    // Unknown paths have no route; the handler of those tells nothing that a stranger may not know.
    if (access === undefined || access === 'public') return;
    request.caller = await context.authenticate(request);
    if (request.caller === undefined) {
      throw new ApiError(
        'InvalidAuthenticationToken',
        'sign in first: send "Authorization: Bearer TOKEN" with a token that is valid',
        { headers: { 'www-authenticate': 'Bearer' } },
      );
    }
    if (access !== 'signedIn' && !hasPermission(request.caller, access)) throw missingPermission(access);
  });
}

/** The refusal for a caller who lacks a permission; it names the permission. */
export function missingPermission(permission: Permission): ApiError {
  return new ApiError(
    'Forbidden',
    `this needs the permission "${permissionName(permission)}" (${permission}); ask an administrator for a role that has it`,
  );
}

/** The caller of a route that is not public. */
export function callerOf(request: FastifyRequest): Caller {
  if (request.caller === undefined) throw new Error('a public route has no caller');
  return request.caller;
}
