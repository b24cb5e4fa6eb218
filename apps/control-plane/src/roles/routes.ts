import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { ownBase } from '../graph/entity-set.ts';
import { registerResource } from '../graph/routes.ts';
import { permissionGroups, permissionName, permissions } from '../permissions/permissions.ts';
import { assignmentResource } from './assignments.ts';
import { roleResource } from './resource.ts';

const shownPermission = z.object({ id: z.string(), name: z.string(), group: z.string() });

/** Roles, who holds them, and every permission that there is. */
export function registerRoles(application: FastifyInstance, context: Context): void {
  registerResource(application, context, roleResource);
  registerResource(application, context, assignmentResource);
  application.get(
    `${ownBase}/permissions`,
    {
      config: { access: 'signedIn' },
      schema: {
        summary: 'List every permission',
        tags: ['roles'],
        response: { 200: z.object({ value: z.array(shownPermission) }) },
      },
    },
    async () => ({
      value: permissions.map((id) => ({
        id,
        name: permissionName(id),
        group: Object.values(permissionGroups).find(({ prefix }) => id.startsWith(`${prefix}_`))?.name ?? '',
      })),
    }),
  );
}
