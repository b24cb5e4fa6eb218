import { afterAll, beforeAll, expect, test } from 'vitest';
import { newId } from '../database/identifier.ts';
import { rollUpDue } from '../health-history/roll-up.ts';
import { type ListenerOfTests, startListenerOfTests } from '../testing/agent-listener.ts';
import { describeOnEachEngine } from '../testing/databases.ts';
import { goodValues } from './health-testing.ts';

const minute = 60_000;

describeOnEachEngine('the health of a server that checks in', (database) => {
  let tests: ListenerOfTests;
  beforeAll(async () => {
    tests = await startListenerOfTests(database());
  });
  afterAll(() => tests.stop());

  const sampleNow = (values: Record<string, number> = goodValues) => ({
    at: tests.context.now().toISOString(),
    values,
  });
  const statusOf = async (id: string) => {
    const { body } = await tests.graph.get(
      `microsoftTunnelSites/${tests.siteId}/microsoftTunnelServers/${id}`,
    );
    return body.tunnelServerHealthStatus;
  };
  const metric = async (id: string, name: string) => {
    const { body } = await tests.graph.get(`/api/v1/servers/${id}/health`);
    return body.metrics.find((one: { name: string }) => one.name === name);
  };

  test('follows each check-in at once, with the reasons of the agent', async () => {
    const agent = await tests.agent();
    await agent.checkIn({ samples: [sampleNow()] });
    expect(await statusOf(agent.serverId)).toBe('healthy');
    await agent.checkIn({
      samples: [sampleNow({ ...goodValues, internalNetworkReachable: 0 })],
      reasons: { internalNetworkReachable: 'https://intranet.test does not answer' },
    });
    expect(await statusOf(agent.serverId)).toBe('unhealthy');
    const { reason } = await metric(agent.serverId, 'internalNetworkReachable');
    expect(reason).toContain('https://intranet.test does not answer');
  });

  test('shows in its samples what only the control plane knows, and the samples become averages', async () => {
    const agent = await tests.agent();
    await agent.checkIn({ samples: [sampleNow()] });
    tests.context.pass(minute);
    const kept = sampleNow();
    tests.context.pass(minute);
    await agent.checkIn({ samples: [kept, sampleNow()] });
    const rows = (resolution: 'minute' | 'fiveMinutes') =>
      database()
        .tables.selectFrom('server_health_samples')
        .selectAll()
        .where('server_id', '=', agent.serverId)
        .where('resolution', '=', resolution)
        .orderBy('at')
        .execute();
    const values = (await rows('minute')).map(({ metric_values }) => JSON.parse(metric_values));
    expect(values[1]).toEqual(goodValues);
    expect(values[2]).toMatchObject({ ...goodValues, lastCheckInAge: 120 });
    tests.context.pass(10 * minute);
    while (await rollUpDue(tests.context));
    const counts = (await rows('fiveMinutes')).map(({ sample_count }) => sample_count ?? 0);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(3);
  });

  test('says when a configuration was offered and not answered', async () => {
    const agent = await tests.agent();
    const { body } = await agent.checkIn({ samples: [sampleNow()] });
    expect(await metric(agent.serverId, 'configurationApplied')).toMatchObject({ status: 'unknown' });
    tests.context.pass(6 * minute);
    await agent.checkIn({ samples: [sampleNow()] });
    const { revision } = body.configuration;
    const failed = { revision, status: 'failed', reason: 'listenPort: taken', at: sampleNow().at } as const;
    await agent.checkIn({ samples: [sampleNow()], configuration: failed });
    expect(await metric(agent.serverId, 'configurationApplied')).toMatchObject({
      status: 'unhealthy',
      reason: expect.stringContaining('listenPort: taken'),
    });
    const applied = { ...failed, status: 'applied', reason: undefined, at: sampleNow().at } as const;
    await agent.checkIn({ samples: [sampleNow()], configuration: applied, appliedRevision: revision });
    expect(await metric(agent.serverId, 'configurationApplied')).toMatchObject({
      status: 'healthy',
      value: 1,
    });
  });

  test('compares its version with the releases, by the older one of agent and gateway', async () => {
    const { tables } = database();
    for (const version of ['0.1.0', '0.2.0', '0.3.0']) {
      await tables
        .insertInto('releases')
        .values({
          id: newId(tests.context.now()),
          version: 1,
          release_version: version,
          published_date_time: tests.context.now().toISOString(),
          notes: '',
        })
        .execute();
    }
    const agent = await tests.agent();
    const withVersions = async (agentVersion: string, gateway: string) => {
      await agent.checkIn({ samples: [sampleNow()], versions: { agent: agentVersion, gateway } });
      return metric(agent.serverId, 'versionsBehind');
    };
    expect(await withVersions('0.3.0', '0.3.0')).toMatchObject({ status: 'healthy', value: 0 });
    expect(await withVersions('0.3.0', '0.2.0')).toMatchObject({ status: 'warning', value: 1 });
    expect(await withVersions('0.1.0', '0.3.0')).toMatchObject({ status: 'unhealthy', value: 2 });
    await tables.deleteFrom('releases').execute();
    expect(await metric(agent.serverId, 'versionsBehind')).toMatchObject({ status: 'unknown', value: null });
  });

  test('follows the roll-out of its site, and a failed one until it was seen', async () => {
    const { tables } = database();
    const agent = await tests.agent();
    await agent.checkIn({ samples: [sampleNow()] });
    const id = newId(tests.context.now());
    const at = tests.context.now().toISOString();
    await tables
      .insertInto('upgrades')
      .values({
        id,
        version: 1,
        site_id: tests.siteId,
        is_current: 1,
        target_version: '0.2.0',
        state: 'failed',
        is_automatic: 0,
        created_date_time: at,
      })
      .execute();
    const shown = async (state: 'upgrading' | 'returned' | 'done') => {
      const row = {
        upgrade_id: id,
        server_id: agent.serverId,
        unhealthy_before: '[]',
        state,
        reason: 'it did not start',
      };
      await tables
        .insertInto('upgrade_servers')
        .values(row)
        .onConflict((conflict) => conflict.columns(['upgrade_id', 'server_id']).doUpdateSet({ state }))
        .execute();
      await agent.checkIn({ samples: [sampleNow()] });
      return statusOf(agent.serverId);
    };
    expect(await shown('upgrading')).toBe('upgradeInProgress');
    expect(await shown('returned')).toBe('upgradeFailed');
    const { body } = await tests.graph.post(`/api/v1/servers/${agent.serverId}/health/acknowledgeUpgrade`);
    expect(body.status).toBe('healthy');
    expect(await shown('returned')).toBe('healthy');
    expect(await shown('done')).toBe('healthy');
    await tables.deleteFrom('upgrades').execute();
  });
});
