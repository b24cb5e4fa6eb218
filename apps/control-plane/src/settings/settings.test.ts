import { expect, test } from 'vitest';
import { recordAudit } from '../audit/record.ts';
import { removeOldAuditEntries } from '../audit/retention.ts';
import { registerAudit } from '../audit/routes.ts';
import { TestContext, testApplication } from '../testing/application.ts';
import { describeOnEachEngine } from '../testing/databases.ts';
import { GraphCaller } from '../testing/graph.ts';
import { registerSettings } from './routes.ts';

const url = '/api/v1/settings';

describeOnEachEngine('settings', (database) => {
  const start = async () => {
    const context = new TestContext(database());
    const application = await testApplication(context, registerSettings, registerAudit);
    return { context, application, caller: new GraphCaller(application) };
  };

  test('have their defaults until they are changed, and again after null', async () => {
    const { caller } = await start();
    expect((await caller.get(url)).body.auditRetentionDays).toBe(400);
    const changed = await caller.patch(url, { auditRetentionDays: 90 });
    expect([changed.status, changed.body.auditRetentionDays]).toEqual([200, 90]);
    expect((await caller.get(url)).body).toEqual(changed.body);
    const reverted = await caller.patch(url, { auditRetentionDays: null });
    expect(reverted.body.auditRetentionDays).toBe(400);
    expect((await caller.get(url)).body).toEqual(reverted.body);
  });

  test.each([
    [{ auditRetentionDays: 29 }, 'auditRetentionDays'],
    [{ auditRetentionDays: 3651 }, 'auditRetentionDays'],
    [{ auditRetentionDays: 90.5 }, 'auditRetentionDays'],
    [{ auditRetentionDays: '90' }, 'auditRetentionDays'],
    [{ auditRetention: 90 }, 'auditRetention'],
  ])('%j is refused with its field', async (body, field) => {
    const { caller } = await start();
    const before = (await caller.get(url)).body;
    const refused = await caller.patch(url, body);
    expect(refused.status).toBe(400);
    expect(refused.body.error.details.map(({ target }: { target: string }) => target)).toEqual([field]);
    expect((await caller.get(url)).body).toEqual(before);
  });

  test('a change of settings that were changed in between gets 412', async () => {
    const { caller } = await start();
    const seen = (await caller.get(url)).body['@odata.etag'];
    expect((await caller.patch(url, { auditRetentionDays: 100 }, seen)).status).toBe(200);
    expect((await caller.patch(url, { auditRetentionDays: 200 }, seen)).status).toBe(412);
    expect((await caller.get(url)).body.auditRetentionDays).toBe(100);
  });

  test('need their permissions', async () => {
    const { context, application } = await start();
    context.letInWith('reader', 'Culvert_Settings_Read');
    const reader = new GraphCaller(application, 'reader');
    expect((await reader.get(url)).status).toBe(200);
    const refused = await reader.patch(url, { auditRetentionDays: 90 });
    expect([refused.status, refused.body.error.message]).toEqual([
      403,
      expect.stringContaining('Culvert_Settings_Update'),
    ]);
  });

  test('a change is in the audit log with the settings before and after', async () => {
    const { caller } = await start();
    await caller.patch(url, { auditRetentionDays: 50 });
    await caller.patch(url, { auditRetentionDays: 60 });
    const rows = await database()
      .tables.selectFrom('audit_entries')
      .select(['before', 'after', 'actor_name'])
      .where('action', '=', 'settings.update')
      .execute();
    const told = rows.map(({ before, after, actor_name }) => [
      JSON.parse(before ?? '{}').auditRetentionDays,
      JSON.parse(after ?? '{}').auditRetentionDays,
      actor_name,
    ]);
    expect(told).toContainEqual([50, 60, 'administrator']);
  });
});

describeOnEachEngine('the retention of the audit log', (database) => {
  test('deletes what is older, in bounded batches, and writes down how many and up to when', async () => {
    const context = new TestContext(database());
    const caller = new GraphCaller(await testApplication(context, registerSettings, registerAudit));
    await caller.patch(url, { auditRetentionDays: 30 });
    const daysAgo = (days: number) => new Date(context.now().getTime() - days * 86_400_000);
    const actor = { kind: 'system', name: 'test' } as const;
    for (const days of [400, 31, 31, 30.01, 29.99, 1]) {
      const record = { actor, action: `made.${days}`, outcome: 'success' } as const;
      await recordAudit(database().tables, record, daysAgo(days));
    }
    expect(await removeOldAuditEntries(context, 3)).toBe(true);
    expect(await removeOldAuditEntries(context, 3)).toBe(false);
    expect(await removeOldAuditEntries(context, 3)).toBe(false);
    const { body } = await caller.get('/api/v1/auditEntries?$orderby=dateTime');
    const actions = body.value.map(({ action }: { action: string }) => action);
    expect(actions).toEqual([
      'made.29.99',
      'made.1',
      'settings.update',
      'auditEntries.expire',
      'auditEntries.expire',
    ]);
    const told = await caller.get(`/api/v1/auditEntries/${body.value[3].id}`);
    expect(told.body.after).toEqual({ deleted: 3, before: expect.stringMatching(/^2026-10-25T/) });
    expect(told.body.actorKind).toBe('system');
  });
});
