import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { recordAudit } from '../audit/record.ts';
import type { Context } from '../context.ts';
import { inTransaction } from '../graph/change.ts';
import { ownBase } from '../graph/entity-set.ts';
import { checkIfMatch, etagOf } from '../odata/etag.ts';
import { type Settings, settingsSchema } from './settings.ts';
import { readSettings, type StoredSettings, settingsId, writeSettings } from './store.ts';

const shownSettings = settingsSchema.extend({ '@odata.etag': z.string() });

/** A change names some settings; null brings a default back. */
const changeBody = z.strictObject(
  Object.fromEntries(
    Object.entries(settingsSchema.shape).map(([name, rule]) => [name, rule.unwrap().nullable().optional()]),
  ) as unknown as { [Name in keyof Settings]: z.ZodOptional<z.ZodNullable<z.ZodType<Settings[Name]>>> },
);

/** The settings of the whole control plane. */
export function registerSettings(application: FastifyInstance, context: Context): void {
  const url = `${ownBase}/settings`;
  const tags = ['settings'];
  application.get(
    url,
    {
      config: { access: 'Culvert_Settings_Read' },
      schema: { summary: 'Read the settings', tags, response: { 200: shownSettings } },
    },
    async () => show(await readSettings(context.database.tables)),
  );
  application.patch<{ Body: z.output<typeof changeBody> }>(
    url,
    {
      config: { access: 'Culvert_Settings_Update' },
      schema: {
        summary: 'Change some of the settings; null brings a default back',
        tags,
        body: changeBody,
        response: { 200: shownSettings },
      },
    },
    (request) =>
      inTransaction(context, request, async ({ tables, caller }) => {
        const before = await readSettings(tables);
        checkIfMatch(request.headers['if-match'], tagOf(before));
        const wanted = Object.entries({ ...before.changed, ...request.body });
        const changed = Object.fromEntries(wanted.filter(([, value]) => value !== null)) as Partial<Settings>;
        await writeSettings(tables, changed, before.version);
        const after: StoredSettings = {
          settings: settingsSchema.parse(changed),
          changed,
          version: before.version + 1,
        };
        await recordAudit(
          tables,
          {
            actor: caller.actor,
            action: 'settings.update',
            object: { kind: 'settings', id: settingsId, name: settingsId },
            outcome: 'success',
            before: before.settings,
            after: after.settings,
          },
          context.now(),
        );
        return show(after);
      }),
  );
}

function tagOf({ version }: StoredSettings): string {
  return etagOf(settingsId, version);
}

function show(stored: StoredSettings): z.output<typeof shownSettings> {
  return { '@odata.etag': tagOf(stored), ...stored.settings };
}
