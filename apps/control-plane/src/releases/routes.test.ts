import type { FastifyInstance } from 'fastify';
import { beforeEach, expect, test } from 'vitest';
import packageDocument from '../../package.json' with { type: 'json' };
import { registerRoutes } from '../routes.ts';
import { TestContext, testApplication } from '../testing/application.ts';
import { describeOnEachEngine } from '../testing/databases.ts';
import { GraphCaller } from '../testing/graph.ts';
import { offerOwnVersion, releaseDistance } from './store.ts';

const url = '/api/v1/releases';

describeOnEachEngine('releases', (database) => {
  let context: TestContext;
  let application: FastifyInstance;
  let caller: GraphCaller;

  beforeEach(async () => {
    for (const table of ['releases', 'settings', 'audit_entries'] as const)
      await database().tables.deleteFrom(table).execute();
    context = new TestContext(database());
    application = await testApplication(context, registerRoutes);
    caller = new GraphCaller(application);
  });

  const versions = async () =>
    (await caller.get(url)).body.value.map(({ version }: { version: string }) => version);

  test('are listed by their version, the newest first', async () => {
    for (const version of ['1.9.0', '1.10.0', '1.10.0-rc.1', '0.1.0'])
      expect((await caller.post(url, { version })).status).toBe(201);
    expect(await versions()).toEqual(['1.10.0', '1.10.0-rc.1', '1.9.0', '0.1.0']);
  });

  test('have notes, digests and a time, and are out now unless it is said', async () => {
    const digests = { agentImageDigest: 'sha256:aa', serverImageDigest: 'sha256:bb' };
    const later = { publishedDateTime: '2027-01-01T00:00:00+01:00', notes: 'Faster.', ...digests };
    const { body } = await caller.post(url, { version: '1.0.0', ...later });
    expect(body).toMatchObject({ ...later, version: '1.0.0', publishedDateTime: '2026-12-31T23:00:00.000Z' });
    const now = await caller.post(url, { version: '0.9.0' });
    expect(now.body).toMatchObject({ notes: '', agentImageDigest: null });
    expect(now.body.publishedDateTime).toMatch(/^2026-11-24T09:00:00/);
    const distance = await releaseDistance(database().tables, context.now());
    expect([distance('0.9.0'), distance('0.8.0')]).toEqual([0, 1]);
    await database().tables.deleteFrom('releases').execute();
    expect((await releaseDistance(database().tables, context.now()))('0.8.0')).toBeUndefined();
  });

  test.each([
    [{}, 'version'],
    [{ version: '1.0' }, 'version'],
    [{ version: 'v1.0.0' }, 'version'],
    [{ version: '1.02.0' }, 'version'],
    [{ version: '1.0.0-a..b' }, 'version'],
    [{ version: '1.0.0', publishedDateTime: 'soon' }, 'publishedDateTime'],
    [{ version: '1.0.0', notes: 'x'.repeat(10_001) }, 'notes'],
    [{ version: '1.0.0', agentImageDigest: '' }, 'agentImageDigest'],
  ])('are refused with the field that is wrong: %o', async (body, field) => {
    const answer = await caller.post(url, body);
    expect([answer.status, answer.body.error.details?.[0]?.target]).toEqual([400, field]);
    expect(await versions()).toEqual([]);
  });

  test('are there once', async () => {
    await caller.post(url, { version: '1.0.0' });
    const { status, body } = await caller.post(url, { version: '1.0.0' });
    expect([status, body.error.details[0].message]).toEqual([
      400,
      expect.stringContaining('there is such a release already'),
    ]);
  });

  test('are taken back, and every change is in the audit log', async () => {
    const { id } = (await caller.post(url, { version: '1.0.0' })).body;
    expect((await caller.delete(`${url}/${id}`, 'W/"old"')).status).toBe(412);
    expect((await caller.delete(`${url}/${id}`)).status).toBe(204);
    expect([await versions(), (await caller.delete(`${url}/${id}`)).status]).toEqual([[], 404]);
    const { body } = await caller.get(
      '/api/v1/auditEntries?$filter=startswith(action,%27release%27)&$orderby=dateTime',
    );
    expect(body.value).toMatchObject([
      { action: 'release.create', objectName: '1.0.0', actorName: 'administrator' },
      { action: 'release.delete', objectName: '1.0.0' },
    ]);
  });

  test('include the version of the control plane, once, unless the settings say otherwise', async () => {
    await caller.patch('/api/v1/settings', { offerOwnVersion: false });
    await offerOwnVersion(database().tables, context.now());
    expect(await versions()).toEqual([]);
    await caller.patch('/api/v1/settings', { offerOwnVersion: null });
    for (let start = 0; start < 2; start += 1) await offerOwnVersion(database().tables, context.now());
    expect(await versions()).toEqual([packageDocument.version]);
  });
});
