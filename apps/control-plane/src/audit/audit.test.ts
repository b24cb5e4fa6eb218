import type { FastifyInstance } from 'fastify';
import { beforeAll, expect, test } from 'vitest';
import { newId } from '../database/identifier.ts';
import { registerRoutes } from '../routes.ts';
import { TestContext, testApplication } from '../testing/application.ts';
import { describeOnEachEngine } from '../testing/databases.ts';
import { GraphCaller } from '../testing/graph.ts';
import { recordAudit } from './record.ts';

describeOnEachEngine('the audit log', (database) => {
  let context: TestContext;
  let application: FastifyInstance;
  let caller: GraphCaller;

  beforeAll(async () => {
    context = new TestContext(database());
    application = await testApplication(context, registerRoutes);
    caller = new GraphCaller(application);
  });

  const record = (name: string, at = context.now(), roleScopeTagIds: readonly string[] = []) =>
    recordAudit(
      database().tables,
      {
        actor: { kind: 'user', id: 'anna', name: 'Anna', address: '192.0.2.7', requestId: 'r-1' },
        action: 'thing.update',
        object: { kind: 'thing', id: name, name, roleScopeTagIds },
        outcome: 'success',
        before: { size: 1 },
        after: { size: 2, name: 'zwei\n"Zeilen"' },
      },
      at,
    );
  const lines = async (query = '', token = 'administrator') => {
    const { statusCode, headers, body } = await application.inject({
      url: `/api/v1/auditEntries/export${query}`,
      headers: { authorization: `Bearer ${token}` },
    });
    expect([statusCode, headers['content-type']]).toEqual([200, 'application/jsonl']);
    return body
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line));
  };

  test('an entry says who, what, when, from where, before and after, and the outcome', async () => {
    await record('first');
    const list = await caller.get("/api/v1/auditEntries?$filter=objectId eq 'first'");
    expect(list.body.value).toMatchObject([
      {
        actorKind: 'user',
        actorId: 'anna',
        actorName: 'Anna',
        address: '192.0.2.7',
        requestId: 'r-1',
        action: 'thing.update',
        outcome: 'success',
        dateTime: expect.stringMatching(/^2026-11-24T09:/),
      },
    ]);
    const { body } = await caller.get(`/api/v1/auditEntries/${list.body.value[0].id}`);
    expect(body).toMatchObject({ before: { size: 1 }, after: { size: 2, name: 'zwei\n"Zeilen"' } });
  });

  test('the newest is first, and pages stay whole while entries are added', async () => {
    for (let number = 0; number < 7; number += 1) await record(`page-${number}`);
    const seen: string[] = [];
    let link: string | undefined = "/api/v1/auditEntries?$filter=startswith(objectName,'page-')&$top=3";
    while (link !== undefined) {
      const { body }: { body: { value: { objectName: string }[]; '@odata.nextLink'?: string } } =
        await caller.get(link);
      seen.push(...body.value.map(({ objectName }) => objectName));
      link = body['@odata.nextLink']?.replace(context.configuration.publicUrl, '');
      await record(`page-later-${seen.length}`);
    }
    expect(seen).toEqual(['page-6', 'page-5', 'page-4', 'page-3', 'page-2', 'page-1', 'page-0']);
  });

  test('its export is JSON lines, oldest first, of a span', async () => {
    for (const day of ['01', '02', '03']) await record(`span-${day}`, new Date(`2025-01-${day}T12:00:00Z`));
    const names = (entries: { objectId: string }[]) => entries.map(({ objectId }) => objectId);
    const all = await lines('?to=2025-02-01T00:00:00Z');
    expect(names(all)).toEqual(['span-01', 'span-02', 'span-03']);
    expect(all[0]).toMatchObject({ before: { size: 1 }, after: { size: 2 }, actorName: 'Anna' });
    // From inclusive, to exclusive, in any time zone.
    expect(names(await lines('?from=2025-01-02T12:00:00Z&to=2025-01-03T21:00:00%2B09:00'))).toEqual([
      'span-02',
    ]);
    expect(await lines('?from=2025-01-03T12:00:00Z&to=2025-01-01T00:00:00Z')).toEqual([]);
    const wrong = await caller.get('/api/v1/auditEntries/export?from=yesterday');
    expect([wrong.status, wrong.body.error.details[0].target]).toEqual([400, 'from']);
  });

  test('an export of more entries than are read at a time has each of them once', async () => {
    await record('many-0', new Date('2024-01-01T00:00:00Z'));
    const { tables } = database();
    const first = await tables
      .selectFrom('audit_entries')
      .selectAll()
      .where('object_id', '=', 'many-0')
      .executeTakeFirstOrThrow();
    const others = Array.from({ length: 1_000 }, (_, index) => ({
      ...first,
      id: newId(new Date(Date.parse(first.at) + Math.floor(index / 3))),
      object_id: `many-${index + 1}`,
    }));
    await tables.insertInto('audit_entries').values(others).execute();
    const entries = await lines('?to=2024-12-31T00:00:00Z');
    expect(new Set(entries.map(({ objectId }) => objectId)).size).toBe(1_001);
    expect(entries).toHaveLength(1_001);
  });

  test('a caller with a scope sees the entries about objects in it, in every way of asking', async () => {
    context.letIn('branch', { permissions: new Set(['Culvert_Audit_Read']), scopeTagIds: new Set(['7']) });
    const branch = new GraphCaller(application, 'branch');
    const at = new Date('2023-01-01T00:00:00Z');
    await record('scoped-7', at, ['0', '7']);
    await record('scoped-8', at, ['8']);
    await record('scoped-none', at);
    const list = await branch.get("/api/v1/auditEntries?$count=true&$filter=startswith(objectName,'scoped')");
    expect(list.body).toMatchObject({ '@odata.count': 1, value: [{ objectName: 'scoped-7' }] });
    expect((await lines('', 'branch')).map(({ objectName }) => objectName)).toEqual(['scoped-7']);
    const hidden = await caller.get("/api/v1/auditEntries?$filter=objectName eq 'scoped-8'");
    expect((await branch.get(`/api/v1/auditEntries/${hidden.body.value[0].id}`)).status).toBe(404);
  });

  test.each(['PUT', 'PATCH', 'DELETE', 'POST'] as const)(
    'nobody changes it through the API: %s',
    async (method) => {
      const { id } = (await caller.get('/api/v1/auditEntries?$top=1')).body.value[0];
      for (const url of ['/api/v1/auditEntries', `/api/v1/auditEntries/${id}`]) {
        const response = await application.inject({
          method,
          url,
          headers: { authorization: 'Bearer administrator' },
          payload: {},
        });
        expect([response.statusCode, response.headers.allow]).toEqual([405, 'GET, HEAD']);
      }
    },
  );

  test('not even a statement of our own changes an entry', async () => {
    await record('fixed');
    await expect(
      database()
        .tables.updateTable('audit_entries')
        .set({ actor_name: 'nobody' })
        .where('object_id', '=', 'fixed')
        .execute(),
    ).rejects.toThrow('the audit log cannot be changed');
  });
});
