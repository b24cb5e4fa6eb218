import { versionSchema } from '@culvert/contracts';
import type { FastifyInstance } from 'fastify';
import { sql } from 'kysely';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { newId } from '../database/identifier.ts';
import { mistakes } from '../graph/body.ts';
import { audit, inTransaction } from '../graph/change.ts';
import { findOrRefuse, show } from '../graph/read.ts';
import { idParameter } from '../graph/routes.ts';
import { objectSchema } from '../graph/schemas.ts';
import { readPermission } from '../graph/scope.ts';
import { EntityStore } from '../graph/store.ts';
import type { StoredRow } from '../graph/tables.ts';
import { ApiError } from '../http/errors.ts';
import { checkIfMatch, etagOf } from '../odata/etag.ts';
import { refreshAvailability } from '../upgrades/availability.ts';
import { releases } from './entity.ts';
import { compareVersions, isVersion } from './versions.ts';

const everywhere = sql<boolean>`(1 = 1)`;
const readable = { set: releases };
/** Releases of one installation: years of them, and they are read as a whole. */
const mostReleases = 1_000;

const moment = z.iso
  .datetime({ offset: true, error: 'expected a time such as 2026-11-24T09:00:00Z' })
  .transform((text) => new Date(text).toISOString());
const digest = z.string().min(1).max(200).nullable().default(null);

const newRelease = z.strictObject({
  version: versionSchema.refine(isVersion, {
    error: 'expected a version of Semantic Versioning, such as 1.4.0 or 1.5.0-rc.1',
  }),
  publishedDateTime: moment.optional().describe('When it is out; now where it is absent. May lie ahead.'),
  notes: z.string().max(10_000).default(''),
  agentImageDigest: digest,
  serverImageDigest: digest,
});

/** The versions that servers can be upgraded to. They are the same for all sites, so scope tags do not matter. */
export function registerReleases(application: FastifyInstance, context: Context): void {
  const { engine, tables } = context.database;
  const url = `${releases.base}/${releases.path}`;
  const tags = [releases.path];
  const shown = objectSchema(releases.entity);

  application.get(
    url,
    {
      config: { access: readPermission },
      schema: {
        summary: 'List the releases, the newest version first',
        tags,
        response: { 200: z.object({ value: z.array(shown) }) },
      },
    },
    async () => {
      const rows = await new EntityStore(tables, engine, releases).all(everywhere, mostReleases);
      const ordered = rows.toSorted((one, other) => compareVersions(versionOf(other), versionOf(one)));
      return { value: ordered.map((row) => show(readable, row, context.now())) };
    },
  );
  application.post<{ Body: z.output<typeof newRelease> }>(
    url,
    {
      config: { access: 'Culvert_Settings_Update' },
      schema: {
        summary: 'Tell of a release: sites that upgrade automatically begin when it is out long enough',
        tags,
        body: newRelease,
        response: { 201: shown },
      },
    },
    async (request, reply) => {
      const now = context.now();
      const { version, publishedDateTime, notes, agentImageDigest, serverImageDigest } = request.body;
      const row: StoredRow = {
        id: newId(now),
        version: 1,
        release_version: version,
        published_date_time: publishedDateTime ?? now.toISOString(),
        notes,
        agent_image_digest: agentImageDigest,
        server_image_digest: serverImageDigest,
      };
      await inTransaction(context, request, async (change) => {
        await requireRoom(change.tables, version);
        await new EntityStore(change.tables, engine, releases).insert(row);
        await audit(change, readable, 'create', named(row), { after: show(readable, row, now) });
        await refreshAvailability(change.tables, now);
      });
      return reply.status(201).send(show(readable, row, now));
    },
  );
  application.delete<{ Params: { id: string } }>(
    `${url}/:id`,
    {
      config: { access: 'Culvert_Settings_Update' },
      schema: {
        summary: 'Take a release back; servers that run it stay as they are',
        tags,
        params: idParameter,
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      await inTransaction(context, request, async (change) => {
        const store = new EntityStore(change.tables, engine, releases);
        const row = await findOrRefuse(store, request.params.id, everywhere, 'release');
        checkIfMatch(request.headers['if-match'], etagOf(row.id, row.version));
        await requireUnused(change.tables, versionOf(row));
        await store.remove(row);
        const now = context.now();
        await audit(change, readable, 'delete', named(row), { before: show(readable, row, now) });
        await refreshAvailability(change.tables, now);
      });
      return reply.status(204).send(null);
    },
  );
}

function versionOf(row: StoredRow): string {
  return String(row.release_version);
}

/** As the audit log calls it. */
function named(row: StoredRow): StoredRow {
  return { ...row, display_name: versionOf(row) };
}

async function requireRoom(tables: Context['database']['tables'], version: string): Promise<void> {
  const present = await tables.selectFrom('releases').select('release_version').execute();
  if (present.some((row) => row.release_version === version)) {
    throw mistakes([{ path: 'version', found: version, message: 'there is such a release already' }]);
  }
  if (present.length < mostReleases) return;
  throw new ApiError('Conflict', `there are ${mostReleases} releases, which is the most: delete old ones`);
}

async function requireUnused(tables: Context['database']['tables'], version: string): Promise<void> {
  const row = await tables
    .selectFrom('upgrades')
    .select('id')
    .where('is_current', '=', 1)
    .where('target_version', '=', version)
    .where('state', 'in', ['waiting', 'running', 'stopped'])
    .executeTakeFirst();
  if (row === undefined) return;
  throw new ApiError(
    'Conflict',
    `a site is being upgraded to ${version}: wait for its end, or let it be upgraded to another release`,
  );
}
