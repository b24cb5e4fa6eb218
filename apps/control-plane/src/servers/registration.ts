import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { ownBase } from '../graph/entity-set.ts';
import { createPermission, readPermission } from '../graph/scope.ts';
import { callerOf } from '../http/access.ts';
import { hasPermission, mayTouch } from '../permissions/caller.ts';
import { permissionName } from '../permissions/permissions.ts';

/** What it takes to register a server: to see sites, and to add servers to one. */
const needed = [readPermission, createPermission] as const;
const mostSites = 500;

const registration = z.object({
  missingPermissions: z.array(
    z.object({ id: z.string(), name: z.string().describe('As the admin centre shows it') }),
  ),
  sites: z
    .array(
      z.object({
        id: z.string(),
        displayName: z.string(),
        publicAddress: z.string(),
        mayRegister: z.boolean().describe('Whether your roles reach the site with every permission'),
      }),
    )
    .describe(`Sites that you may see, at most ${mostSites}`),
});

/** Whether the caller may register servers, and where; nothing is registered. */
export function registerServerRegistration(application: FastifyInstance, context: Context): void {
  application.get(
    `${ownBase}/me/serverRegistration`,
    {
      config: { access: 'signedIn' },
      schema: {
        summary: 'Read whether you may register servers, in which sites, and which permissions are missing',
        tags: ['me'],
        response: { 200: registration },
      },
    },
    async (request) => {
      const caller = callerOf(request);
      const missing = needed.filter((permission) => !hasPermission(caller, permission));
      const rows = await context.database.tables
        .selectFrom('sites')
        .select(['id', 'display_name', 'public_address', 'role_scope_tag_ids'])
        .orderBy('display_name')
        .orderBy('id')
        .execute();
      const sites = rows
        .map((row) => ({ row, tags: JSON.parse(String(row.role_scope_tag_ids)) as string[] }))
        .filter(({ tags }) => needed.some((permission) => mayTouch(caller, permission, tags)))
        .slice(0, mostSites)
        .map(({ row, tags }) => ({
          id: row.id,
          displayName: String(row.display_name),
          publicAddress: String(row.public_address),
          mayRegister: needed.every((permission) => mayTouch(caller, permission, tags)),
        }));
      return { missingPermissions: missing.map((id) => ({ id, name: permissionName(id) })), sites };
    },
  );
}
