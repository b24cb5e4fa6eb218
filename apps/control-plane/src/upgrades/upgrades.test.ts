import type { FastifyInstance } from 'fastify';
import { beforeEach, expect, test } from 'vitest';
import { registerRoutes } from '../routes.ts';
import { TestContext, testApplication } from '../testing/application.ts';
import { describeOnEachEngine } from '../testing/databases.ts';
import { GraphCaller, makeScopeTags } from '../testing/graph.ts';
import { desiredVersionOf, upgradeStatuses } from './check-in.ts';
import { FleetOfTest } from './upgrades-testing.ts';

const minutes = 60;
const byApproval = { upgradeAutomatically: false };

describeOnEachEngine('upgrades of a site', (database) => {
  let context: TestContext;
  let application: FastifyInstance;
  let fleet: FleetOfTest;

  beforeEach(async () => {
    for (const table of ['servers', 'sites', 'releases', 'audit_entries'] as const)
      await database().tables.deleteFrom(table).execute();
    context = new TestContext(database());
    application = await testApplication(context, registerRoutes);
    fleet = new FleetOfTest(context, application);
  });

  const actions = async () => {
    const rows = await database()
      .tables.selectFrom('audit_entries')
      .select(['action', 'outcome', 'actor_kind', 'object_name', 'detail'])
      // Entries of one transaction have the same time.
      .orderBy('at')
      .orderBy('action')
      .execute();
    return rows.filter(({ action }) => /^upgrade\.|\.upgrade$|\.returnToOldVersion$/.test(action));
  };

  test('begin by themselves ten minutes after the release is out, and go from server to server', async () => {
    const site = await fleet.site({}, 'a', 'b', 'c');
    await fleet.release('1.1.0');
    expect(await site.isAvailable()).toBe(true);
    await site.live(9 * minutes);
    expect((await site.history()).value).toEqual([]);
    expect((await site.history()).planned).toMatchObject({ targetVersion: '1.1.0', isAutomatic: true });
    await site.live(10 * minutes);
    const upgrade = await site.newest();
    expect(upgrade).toMatchObject({ state: 'completed', targetVersion: '1.1.0', isAutomatic: true });
    expect(upgrade.servers).toEqual({ a: 'done', b: 'done', c: 'done' });
    expect(site.versions()).toEqual({ a: '1.1.0', b: '1.1.0', c: '1.1.0' });
    expect([await site.isAvailable(), (await site.history()).planned]).toEqual([false, null]);
    expect(await actions()).toMatchObject([
      { action: 'upgrade.begin', actor_kind: 'system', object_name: 'Tokyo → 1.1.0' },
      { action: 'microsoftTunnelServer.upgrade', object_name: 'a', detail: '1.0.0 → 1.1.0' },
      { action: 'microsoftTunnelServer.upgrade', object_name: 'b' },
      { action: 'microsoftTunnelServer.upgrade', object_name: 'c' },
      { action: 'upgrade.complete', outcome: 'success' },
    ]);
  });

  test('by approval wait for it, and begin at once', async () => {
    const site = await fleet.site(byApproval, 'a', 'b');
    await fleet.release('1.1.0');
    await site.live(20 * minutes);
    expect([await site.isAvailable(), (await site.history()).value]).toEqual([true, []]);
    const { status } = await fleet.graph.post(`microsoftTunnelSites/${site.id}/requestUpgrade`);
    expect(status).toBe(204);
    expect(await site.newest()).toMatchObject({
      state: 'running',
      isAutomatic: false,
      requestedBy: 'administrator',
      servers: { a: 'upgrading', b: 'waiting' },
    });
    expect(await site.isAvailable()).toBe(false);
    await site.live(10 * minutes);
    expect(await site.newest()).toMatchObject({ state: 'completed', servers: { a: 'done', b: 'done' } });
    expect((await actions()).map(({ action, actor_kind }) => [action, actor_kind])).toEqual([
      ['upgrade.begin', 'system'],
      ['upgrade.request', 'user'],
      ['microsoftTunnelServer.upgrade', 'system'],
      ['microsoftTunnelServer.upgrade', 'system'],
      ['upgrade.complete', 'system'],
    ]);
  });

  test('begin within the window of the site only, and run on after it', async () => {
    // It is 9:00 in London and 18:00 in Tokyo.
    const window = { upgradeWindowStartTime: '19:00:00', upgradeWindowEndTime: '20:00:00' };
    const site = await fleet.site(
      { ...byApproval, ...window, upgradeWindowTimeZone: 'Asia/Tokyo' },
      'a',
      'b',
    );
    await fleet.release('1.1.0');
    const { status, body } = await site.upgrade('', {});
    expect([status, body.state]).toEqual([201, 'waiting']);
    const { planned } = await site.history();
    expect(planned).toEqual({
      targetVersion: '1.1.0',
      isAutomatic: false,
      beginsDateTime: '2026-11-24T10:00:00.000Z',
    });
    await site.live(50 * minutes);
    expect(await site.newest()).toMatchObject({ state: 'waiting', servers: {} });
    context.pass(68 * minutes * 1_000);
    await site.live(minutes);
    expect(await site.newest()).toMatchObject({ state: 'running' });
    await site.live(10 * minutes);
    expect(await site.newest()).toMatchObject({ state: 'completed' });
  });

  test('end with a failure, and the control plane takes the server back', async () => {
    const site = await fleet.site(byApproval, 'a', 'b');
    await fleet.release('1.1.0');
    await site.upgrade('', {});
    expect((await site.checkIn('a')).desiredVersion).toBe('1.1.0');
    // It comes up without a gateway.
    site.switchTo('a', '1.1.0');
    for (let minute = 0; minute < 13; minute += 1) {
      context.pass(60_000);
      await site.checkIn('a', {}, { hasGateway: false });
      await site.look();
    }
    expect(await site.newest()).toMatchObject({
      state: 'failed',
      reason: 'a: came up with 1.1.0 and was not healthy within 11 minutes: its gateway does not answer',
      servers: { a: 'failed', b: 'waiting' },
    });
    expect(await desiredVersionOf(database().tables, site.serverId('a'))).toBe('1.0.0');
    const statuses = await upgradeStatuses(database().tables, [site.serverId('a'), site.serverId('b')]);
    const statusOf = (name: string) => statuses.get(site.serverId(name))?.status;
    expect([statusOf('a'), statusOf('b')]).toEqual(['upgradeFailed', undefined]);
    await site.live(30 * minutes);
    expect(await site.newest()).toMatchObject({ state: 'failed', servers: { a: 'returned', b: 'waiting' } });
    expect(site.versions()).toEqual({ a: '1.0.0', b: '1.0.0' });
    expect(await actions()).toMatchObject([
      { action: 'upgrade.begin' },
      { action: 'upgrade.request' },
      { action: 'microsoftTunnelServer.upgrade', outcome: 'failure', object_name: 'a' },
      { action: 'upgrade.fail', outcome: 'failure' },
      { action: 'microsoftTunnelServer.returnToOldVersion', outcome: 'success', detail: '1.0.0' },
    ]);
  });

  test('end with a failure when the health of the server is worse than before', async () => {
    const site = await fleet.site(byApproval, 'a');
    const judged = (name: string, status: string) => ({
      server_id: site.serverId('a'),
      status: 'unhealthy' as const,
      since: context.now().toISOString(),
      causes: '[]',
      metric_states: JSON.stringify({ diskFree: { status: 'unhealthy' }, [name]: { status } }),
      acknowledged_upgrade: null,
    });
    const health = database().tables.insertInto('server_health_states');
    await health.values(judged('latency', 'healthy')).execute();
    await fleet.release('1.1.0');
    await site.upgrade('', {});
    await site.live(30);
    await database()
      .tables.updateTable('server_health_states')
      .set(judged('latency', 'unhealthy'))
      .where('server_id', '=', site.serverId('a'))
      .execute();
    await site.live(12 * minutes);
    expect(await site.newest()).toMatchObject({
      state: 'failed',
      reason: 'a: came up with 1.1.0 and was not healthy within 11 minutes: unhealthy are latency',
      servers: { a: 'returned' },
    });
  });

  test('that failed are tried again when somebody asks, or a newer release is out', async () => {
    const site = await fleet.site({}, 'a');
    await fleet.release('1.1.0');
    await fleet.graph.post(`microsoftTunnelSites/${site.id}/requestUpgrade`);
    await site.checkIn('a');
    const failed = { version: '1.1.0', state: 'failed', reason: 'there is no release 1.1.0 on this host' };
    await site.checkIn('a', failed);
    expect(await site.newest()).toMatchObject({
      state: 'failed',
      reason: 'a: there is no release 1.1.0 on this host',
      servers: { a: 'returned' },
    });
    await site.live(30 * minutes);
    expect((await site.history()).value).toHaveLength(1);
    expect((await site.upgrade('', { version: '1.1.0' })).body.state).toBe('running');
    await site.checkIn('a');
    await site.checkIn('a', failed);
    await fleet.release('1.2.0');
    await site.live(20 * minutes);
    expect((await site.history()).value.map(({ state }: { state: string }) => state)).toEqual([
      'completed',
      'failed',
      'failed',
    ]);
    expect(site.versions()).toEqual({ a: '1.2.0' });
  });

  test('do not begin again while a server is on its way back', async () => {
    const site = await fleet.site(byApproval, 'a', 'b');
    await fleet.release('1.1.0');
    await site.upgrade('', {});
    await site.checkIn('a');
    site.switchTo('a', '1.1.0');
    await site.checkIn('a', { version: '1.1.0', state: 'failed', reason: 'broken' });
    expect((await site.upgrade('', {})).body.state).toBe('waiting');
    expect((await site.checkIn('a')).desiredVersion).toBe('1.0.0');
    expect((await site.newest()).servers).toEqual({ a: 'failed' });
    site.switchTo('a', '1.0.0');
    await site.checkIn('a');
    expect(await site.newest()).toMatchObject({
      state: 'running',
      servers: { a: 'upgrading', b: 'waiting' },
    });
  });

  test('can be stopped and go on, by whoever may change the site', async () => {
    const site = await fleet.site(byApproval, 'a', 'b');
    await fleet.release('1.1.0');
    const { id } = (await site.upgrade('', {})).body;
    await site.live(minutes);
    const stopped = await site.upgrade(`/${id}/stop`);
    expect(stopped.body).toMatchObject({ state: 'stopped', reason: 'stopped by administrator' });
    await site.live(10 * minutes);
    expect(await site.newest()).toMatchObject({ state: 'stopped', servers: { a: 'done', b: 'waiting' } });
    expect(await site.isAvailable()).toBe(true);
    const again = await site.upgrade(`/${id}/stop`);
    expect([again.status, again.body.error.message]).toEqual([
      409,
      'this upgrade is stopped: only one that is waiting or running can be stopped',
    ]);
    expect((await site.upgrade(`/${id}/resume`)).body).toMatchObject({ state: 'running', reason: null });
    await site.live(10 * minutes);
    expect(await site.newest()).toMatchObject({ state: 'completed' });
    expect((await site.upgrade(`/${id}/resume`)).status).toBe(409);
    const unknown = await site.upgrade('/00000000-0000-7000-8000-000000000000/stop');
    expect([unknown.status, unknown.body.error.message]).toEqual([
      404,
      expect.stringContaining('there is no upgrade'),
    ]);
  });

  test('that wait can be stopped and replaced; those under way are not gone round', async () => {
    const window = { upgradeWindowStartTime: '19:00:00', upgradeWindowEndTime: '20:00:00' };
    const site = await fleet.site({ ...byApproval, ...window, upgradeWindowTimeZone: 'Asia/Tokyo' }, 'a');
    await fleet.release('1.1.0');
    await fleet.release('1.2.0');
    expect((await site.upgrade('', { version: '1.1.0' })).body).toMatchObject({ targetVersion: '1.1.0' });
    expect(await site.isAvailable()).toBe(true);
    expect((await site.upgrade('', {})).body).toMatchObject({ targetVersion: '1.2.0', state: 'waiting' });
    const { value } = await site.history();
    expect(value.map(({ state }: { state: string }) => state)).toEqual(['waiting', 'cancelled']);
    expect((await site.upgrade(`/${value[0].id}/stop`)).body.state).toBe('stopped');
    context.pass(70 * minutes * 1_000);
    await site.live(minutes);
    expect(await site.newest()).toMatchObject({ state: 'stopped' });
    expect((await site.upgrade('', {})).body).toMatchObject({ id: value[0].id, state: 'running' });
    const other = await site.upgrade('', { version: '1.1.0' });
    expect([other.status, other.body.error.message]).toEqual([
      409,
      expect.stringContaining('the upgrade to 1.2.0 is under way'),
    ]);
  });

  test('are refused when there is nothing to upgrade; Graph answers 204 and the history says why', async () => {
    const site = await fleet.site({}, 'a');
    const graph = () => fleet.graph.post(`microsoftTunnelSites/${site.id}/requestUpgrade`);
    expect((await graph()).status).toBe(204);
    expect((await site.history()).value[0]).toMatchObject({
      state: 'completed',
      targetVersion: null,
      reason: 'there is nothing to upgrade to: no release is out',
    });
    await fleet.release('0.9.0');
    await fleet.release('1.0.0');
    await fleet.release('1.1.0', { publishedDateTime: '2027-01-01T00:00:00Z' });
    expect((await graph()).status).toBe(204);
    const nothing =
      'there is nothing to upgrade: no server of this site is known to run a version before 1.0.0';
    expect((await site.history()).value[0]).toMatchObject({ state: 'completed', reason: nothing });
    const refused = await site.upgrade('', {});
    expect([refused.status, refused.body.error.message]).toEqual([409, nothing]);
    for (const version of ['1.1.0', '7.0.0']) {
      const { status, body } = await site.upgrade('', { version });
      expect([status, body.error.details]).toEqual([
        400,
        [expect.objectContaining({ target: 'version', message: expect.stringContaining('no such release') })],
      ]);
    }
    expect([await site.isAvailable(), (await site.upgrade('', { version: '0.9.0' })).status]).toEqual([
      false,
      409,
    ]);
  });

  test('of servers that were off, or come later, follow', async () => {
    const site = await fleet.site(byApproval, 'a', 'b');
    await fleet.release('1.1.0');
    context.pass(4 * minutes * 1_000);
    await site.checkIn('a');
    await site.upgrade('', {});
    for (let time = 0; time < 20; time += 1) {
      context.pass(10_000);
      const { desiredVersion } = await site.checkIn('a');
      if (desiredVersion !== undefined) site.switchTo('a', desiredVersion);
    }
    expect(await site.newest()).toMatchObject({ state: 'completed', servers: { a: 'done', b: 'skipped' } });
    await site.join('c');
    await site.live(20 * minutes);
    expect(await site.newest()).toMatchObject({
      state: 'completed',
      servers: { a: 'done', b: 'done', c: 'done' },
    });
  });

  test('are advanced by many at the same time, and one server is at its upgrade', async () => {
    const site = await fleet.site(byApproval, 'a', 'b', 'c', 'd');
    await fleet.release('1.1.0');
    await site.upgrade('', {});
    const names = Object.keys(site.versions());
    for (let round = 0; round < 12; round += 1) {
      context.pass(31_000);
      const answers = await Promise.all([
        ...names.map(async (name) => ({ name, ...(await site.checkIn(name)) })),
        ...Array.from({ length: 3 }, async () => ({ name: '', desiredVersion: void (await site.look()) })),
      ]);
      for (const { name, desiredVersion } of answers) {
        if (desiredVersion !== undefined) site.switchTo(name, desiredVersion);
      }
      const { servers } = await site.newest();
      const atIt = Object.values(servers).filter((state) => state === 'upgrading' || state === 'verifying');
      expect(atIt.length).toBeLessThanOrEqual(1);
    }
    await site.live(10 * minutes);
    expect(await site.newest()).toMatchObject({ state: 'completed' });
    expect((await actions()).filter(({ action }) => action === 'microsoftTunnelServer.upgrade')).toHaveLength(
      4,
    );
  });

  test('are seen and changed within the scope of the site', async () => {
    await database().tables.deleteFrom('scope_tags').execute();
    await makeScopeTags(database(), '1', '2');
    const site = await fleet.site({ ...byApproval, roleScopeTagIds: ['1'] }, 'a');
    await fleet.release('1.1.0');
    const { id } = (await site.upgrade('', {})).body;
    const read = 'Microsoft.Intune_MicrosoftTunnelGateway_Read';
    const update = 'Microsoft.Intune_MicrosoftTunnelGateway_Update';
    const reader = { permissions: new Set([read] as const), scopeTagIds: new Set(['1']) };
    context.letIn('foreign', { permissions: new Set([read, update] as const), scopeTagIds: new Set(['2']) });
    context.letIn('reader', reader, { permissions: new Set([update] as const), scopeTagIds: new Set(['2']) });
    const url = `/api/v1/sites/${site.id}/upgrades`;
    const statuses = async (name: string) => {
      const caller = new GraphCaller(application, name);
      const answers = [
        await caller.get(url),
        await caller.get(`${url}/${id}`),
        await caller.post(url, {}),
        await caller.post(`${url}/${id}/stop`),
        await caller.post(`${url}/${id}/resume`),
      ];
      return answers.map(({ status }) => status);
    };
    expect(await statuses('foreign')).toEqual([404, 404, 404, 404, 404]);
    expect(await statuses('reader')).toEqual([200, 200, 403, 403, 403]);
    expect(await site.newest()).toMatchObject({ state: 'running' });
    context.letIn('auditor', {
      permissions: new Set(['Culvert_Audit_Read'] as const),
      scopeTagIds: new Set(['2']),
    });
    const log = await new GraphCaller(application, 'auditor').get(
      "/api/v1/auditEntries?$filter=startswith(action,'upgrade')",
    );
    expect(log.body.value).toEqual([]);
  });

  test('of one site go on when those of another cannot', async () => {
    const broken = await fleet.site({ displayName: 'broken' }, 'x');
    const site = await fleet.site({}, 'a');
    await fleet.release('1.1.0');
    await database()
      .tables.updateTable('sites')
      .set({ upgrade_window_start_time: 'x', upgrade_window_end_time: 'y' })
      .where('id', '=', broken.id)
      .execute();
    context.pass(11 * minutes * 1_000);
    await site.checkIn('a');
    await expect(site.look()).rejects.toThrow('upgrades of some sites could not go on');
    expect(await site.newest()).toMatchObject({ state: 'running' });
  });
});
