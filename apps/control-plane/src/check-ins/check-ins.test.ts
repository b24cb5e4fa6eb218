import { checkInAnswerSchema } from '@culvert/contracts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { mostUnfinished } from '../commands/order.ts';
import { type ListenerOfTests, startListenerOfTests } from '../testing/agent-listener.ts';
import { describeOnEachEngine } from '../testing/databases.ts';
import { siteExample } from '../testing/graph.ts';
import type { TestAgent } from '../testing/test-agent.ts';
import { cursorOf, desiredStates } from './desired-states.ts';

describeOnEachEngine('check-ins', (database) => {
  let tests: ListenerOfTests;
  beforeAll(async () => {
    tests = await startListenerOfTests(database());
  });
  afterAll(() => tests.stop());

  const checkIn = async (agent: TestAgent, further = {}) => {
    const { status, body } = await agent.checkIn(further);
    expect([status, body]).toEqual([200, expect.anything()]);
    return checkInAnswerSchema.parse(body);
  };
  const stateOf = (agent: TestAgent) =>
    database()
      .tables.selectFrom('server_states')
      .selectAll()
      .where('server_id', '=', agent.serverId)
      .executeTakeFirstOrThrow();
  const samplesOf = (agent: TestAgent) =>
    database()
      .tables.selectFrom('server_health_samples')
      .select(['at', 'metric_values'])
      .where('server_id', '=', agent.serverId)
      .orderBy('at')
      .execute();
  /** A moment of whole seconds, as times of samples are kept. */
  const secondsAgo = (seconds: number) =>
    new Date(Math.floor(tests.context.now().getTime() / 1_000 - seconds) * 1_000).toISOString();

  test('an agent that has joined is answered with what its server is to be', async () => {
    const agent = await tests.agent();
    expect(await checkIn(agent)).toMatchObject({
      nextCheckInSeconds: 60,
      commands: [],
      settings: { internalNetworkProbeUrl: null, imageRegistryUrl: null },
      configuration: { publicAddress: 'vpn.example.com', serverConfiguration: { network: '10.70.0.0/16' } },
    });
  });

  test('what it tells is kept, and what Graph shows of it moves without its version', async () => {
    const agent = await tests.agent();
    const server = `microsoftTunnelSites/${tests.siteId}/microsoftTunnelServers/${agent.serverId}`;
    const before = (await tests.graph.get(server)).body;
    expect(before.lastCheckinDateTime).toBeUndefined();
    const at = secondsAgo(2);
    await checkIn(agent, {
      digests: { agent: 'sha256:a' },
      samples: [{ at, values: { cpuUsage: 12.5 } }],
      reasons: { latency: 'no packet came back' },
      logsAreVerbose: true,
      upgrade: { version: '0.2.0', state: 'failed', reason: 'it did not start', at },
    });
    expect(await stateOf(agent)).toMatchObject({
      host_name: 'gateway-1',
      agent_version: '0.1.0',
      connected: 3,
      away: 1,
      capacity: 250,
      logs_are_verbose: 1,
      latest: '{"cpuUsage":12.5}',
      latest_at: at,
      reasons: '{"latency":"no packet came back"}',
      upgrade_state: 'failed',
      upgrade_reason: 'it did not start',
    });
    const after = (await tests.graph.get(server)).body;
    expect(after.lastCheckinDateTime).toMatch(/Z$/);
    expect(after.agentImageDigest).toBe('sha256:a');
    expect(after['@odata.etag']).toBe(before['@odata.etag']);
  });

  test('samples count once, however often they are sent, and only when they are of the last day', async () => {
    const agent = await tests.agent();
    const good = [secondsAgo(120), secondsAgo(60)].map((at, index) => ({ at, values: { cpuUsage: index } }));
    await checkIn(agent, { samples: good });
    await checkIn(agent, {
      samples: [
        { at: secondsAgo(90_000), values: { cpuUsage: 7 } },
        ...good,
        { at: secondsAgo(-120), values: { cpuUsage: 8 } },
      ],
    });
    expect((await samplesOf(agent)).map(({ at }) => at)).toEqual(good.map(({ at }) => at));
    // What was kept while the control plane was away comes after what is newer.
    await checkIn(agent, { samples: [{ at: secondsAgo(3_600), values: { cpuUsage: 99 } }] });
    expect((await stateOf(agent)).latest).toBe('{"cpuUsage":1}');
    expect(await samplesOf(agent)).toHaveLength(3);
  });

  test('a server whose clock is hours ahead is judged by what it measures all the same', async () => {
    const agent = await tests.agent();
    const [sentAt, at] = [secondsAgo(-7_200), secondsAgo(-7_190)];
    await checkIn(agent, { sentAt, samples: [{ at, values: { internalNetworkReachable: 0 } }] });
    const { body } = await tests.graph.get(`/api/v1/servers/${agent.serverId}/health`);
    expect(
      body.metrics.find(({ name }: { name: string }) => name === 'internalNetworkReachable'),
    ).toMatchObject({ value: 0, status: 'unhealthy' });
  });

  test('a time of a sample is kept in one way of writing', async () => {
    const agent = await tests.agent();
    const at = `${secondsAgo(60).slice(0, 19)}Z`;
    await checkIn(agent, { samples: [{ at, values: { cpuUsage: 1 } }] });
    await checkIn(agent, { samples: [{ at: at.replace('Z', '.000Z'), values: { cpuUsage: 1 } }] });
    expect((await samplesOf(agent)).map((sample) => sample.at)).toEqual([at.replace('Z', '.000Z')]);
  });

  test('a configuration is offered until it is in use, and one that failed only with a restart', async () => {
    const agent = await tests.agent();
    const revisions = async () =>
      (await tests.graph.get(`/api/v1/servers/${agent.serverId}/configurationRevisions`)).body.value;
    const first = (await checkIn(agent)).configuration?.revision ?? '';
    expect((await checkIn(agent)).configuration?.revision).toBe(first);
    expect(await revisions()).toMatchObject([{ revision: first, status: 'offered', isInUse: false }]);
    const applied = { revision: first, status: 'applied', at: secondsAgo(1) } as const;
    expect(
      (await checkIn(agent, { configuration: applied, appliedRevision: first })).configuration,
    ).toBeUndefined();
    expect(await revisions()).toMatchObject([{ revision: first, status: 'applied', isInUse: true }]);

    await tests.graph.patch(`microsoftTunnelConfigurations/${tests.configurationId}`, {
      routeIncludes: ['10.61.0.0/16'],
    });
    const second = (await checkIn(agent, { configuration: applied, appliedRevision: first })).configuration;
    expect(second?.serverConfiguration.routeIncludes).toEqual(['10.61.0.0/16']);
    const failed = {
      revision: second?.revision ?? '',
      status: 'failed',
      reason: 'routeIncludes: the gateway did not answer afterwards',
      at: secondsAgo(0),
    } as const;
    const told = { configuration: failed, appliedRevision: first };
    expect((await checkIn(agent, told)).configuration).toBeUndefined();
    expect(await revisions()).toMatchObject([
      { revision: second?.revision, status: 'failed', reason: failed.reason, isInUse: false },
      { revision: first, status: 'applied', isInUse: true },
    ]);

    const order = await tests.graph.post(`/api/v1/servers/${agent.serverId}/commands`, {
      kind: 'restartServer',
    });
    const again = await checkIn(agent, told);
    expect(again.configuration?.revision).toBe(second?.revision);
    expect(again.commands).toMatchObject([{ id: order.body.id, order: { kind: 'restartServer' } }]);
    expect((await revisions())[0]).toMatchObject({ status: 'offered' });
    // The report of the first time, told once more, is none about the second.
    await checkIn(agent, told);
    expect((await revisions())[0]).toMatchObject({ status: 'offered' });
    const repaired = { ...failed, status: 'applied', reason: undefined, at: secondsAgo(-1) } as const;
    await checkIn(agent, {
      configuration: repaired,
      appliedRevision: failed.revision,
      commandResults: [{ id: order.body.id, outcome: 'done' }],
    });
    expect((await revisions())[0]).toMatchObject({ status: 'applied', reason: null, isInUse: true });
    // Back to the first: it is offered again, although it was tried before.
    await tests.graph.patch(`microsoftTunnelConfigurations/${tests.configurationId}`, {
      routeIncludes: ['10.60.0.0/24'],
    });
    const back = await checkIn(agent, { configuration: repaired, appliedRevision: failed.revision });
    expect(back.configuration?.revision).toBe(first);
  });

  test('a configuration that failed and was taken back is no mistake of the server any more', async () => {
    const agent = await tests.agent();
    const want = (route: string) =>
      tests.graph.patch(`microsoftTunnelConfigurations/${tests.configurationId}`, { routeIncludes: [route] });
    const applied = async () => {
      const { body } = await tests.graph.get(`/api/v1/servers/${agent.serverId}/health`);
      return body.metrics.find(({ name }: { name: string }) => name === 'configurationApplied').status;
    };
    await want('10.70.0.0/16');
    const first = (await checkIn(agent)).configuration?.revision ?? '';
    const good = { revision: first, status: 'applied', at: secondsAgo(2) } as const;
    await checkIn(agent, { configuration: good, appliedRevision: first });
    expect(await applied()).toBe('healthy');

    tests.context.pass(1_000);
    await want('10.71.0.0/16');
    const told = { configuration: good, appliedRevision: first };
    const second = (await checkIn(agent, told)).configuration?.revision ?? '';
    const bad = { revision: second, status: 'failed', reason: 'x', at: secondsAgo(1) } as const;
    const toldBad = { configuration: bad, appliedRevision: first };
    await checkIn(agent, toldBad);
    expect(await applied()).toBe('unhealthy');

    tests.context.pass(1_000);
    await want('10.70.0.0/16');
    expect((await checkIn(agent, toldBad)).configuration).toBeUndefined();
    expect(await applied()).toBe('healthy');

    tests.context.pass(1_000);
    await want('10.71.0.0/16');
    await checkIn(agent, toldBad);
    expect(await applied()).toBe('unhealthy');
  });

  test('an agent that tells of ever other revisions, in a far future, fills nothing and hides nothing', async () => {
    const agent = await tests.agent();
    for (let number = 0; number < 25; number += 1) {
      const revision = number.toString(16).padStart(16, '0');
      await checkIn(agent, {
        configuration: { revision, status: 'failed', reason: 'x', at: '2099-01-01T00:00:00.000Z' },
      });
    }
    const { body } = await tests.graph.get(`/api/v1/servers/${agent.serverId}/configurationRevisions`);
    expect(body.value).toHaveLength(20);
    for (const { offeredDateTime } of body.value) expect(offeredDateTime < '2099').toBe(true);
  });

  test('the settings of the agent are those of its site and of the control plane', async () => {
    const agent = await tests.agent();
    const settings = {
      internalNetworkProbeUrl: 'http://intranet.example.com/',
      imageRegistryUrl: 'https://registry.example.com/',
    };
    await tests.graph.patch(`microsoftTunnelSites/${tests.siteId}`, {
      internalNetworkProbeUrl: settings.internalNetworkProbeUrl,
    });
    await tests.graph.patch('/api/v1/settings', { imageRegistryUrl: settings.imageRegistryUrl });
    expect((await checkIn(agent)).settings).toEqual(settings);
    await tests.graph.patch(`microsoftTunnelSites/${tests.siteId}`, { internalNetworkProbeUrl: null });
    await tests.graph.patch('/api/v1/settings', { imageRegistryUrl: null });
  });

  test('twenty revisions are kept for each server', async () => {
    const agent = await tests.agent();
    for (let number = 0; number < 23; number += 1) {
      await tests.graph.patch(`microsoftTunnelConfigurations/${tests.configurationId}`, {
        routeIncludes: [`10.99.${number}.0/24`],
      });
      await checkIn(agent);
    }
    const { body } = await tests.graph.get(`/api/v1/servers/${agent.serverId}/configurationRevisions`);
    expect(body.value).toHaveLength(20);
    const times = body.value.map(({ offeredDateTime }: { offeredDateTime: string }) => offeredDateTime);
    expect(times).toEqual([...times].sort().reverse());
  });

  test('a held request is answered when what it waits for has changed, and only for whom it has', async () => {
    const [agent, other] = [await tests.agent(), await tests.agent()];
    const site = await tests.graph.post('microsoftTunnelSites', siteExample(tests.configurationId));
    const elsewhere = await tests.agent({ bearer: 'administrator', siteId: site.body.id });
    const cursor = (await checkIn(agent)).cursor;
    const others = await Promise.all([other, elsewhere].map((one) => checkIn(one)));
    const stop = new AbortController();
    const held = [other, elsewhere].map((one, index) =>
      one.wait(others[index]?.cursor ?? '', stop).then(
        () => 'answered',
        () => 'held',
      ),
    );
    const waiting = agent.wait(cursor);
    await tests.graph.post(`/api/v1/servers/${agent.serverId}/commands`, { kind: 'renewCertificate' });
    expect((await waiting).body).toEqual({ hasChanged: true });
    stop.abort();
    expect(await Promise.all(held)).toEqual(['held', 'held']);
    // The command is told, so there is nothing to wake for any more.
    const after = await checkIn(agent);
    expect(after.commands).toHaveLength(1);
    const quiet = new AbortController();
    const nothing = agent.wait(after.cursor, quiet).catch(() => 'held');
    const woken = elsewhere.wait(others[1]?.cursor ?? '');
    await tests.graph.patch(`microsoftTunnelSites/${site.body.id}`, { publicAddress: 'vpn2.example.com' });
    expect((await woken).body).toEqual({ hasChanged: true });
    quiet.abort();
    expect(await nothing).toBe('held');
  });

  test('an agent that has as many commands as it can have is not woken for those that it has', async () => {
    const agent = await tests.agent();
    for (let count = 0; count < mostUnfinished; count += 1)
      await tests.graph.post(`/api/v1/servers/${agent.serverId}/commands`, { kind: 'renewCertificate' });
    const { commands, cursor } = await checkIn(agent);
    expect(commands).toHaveLength(mostUnfinished);
    const state = await desiredStates(database().tables, tests.context.now())
      .where('server.id', '=', agent.serverId)
      .executeTakeFirstOrThrow();
    expect(cursorOf(state)).toBe(cursor);
  });

  test('a change between a check-in and the held request after it is not missed', async () => {
    const agent = await tests.agent();
    const { cursor } = await checkIn(agent);
    await tests.graph.post(`/api/v1/servers/${agent.serverId}/commands`, { kind: 'renewCertificate' });
    expect((await agent.wait(cursor)).body).toEqual({ hasChanged: true });
  });

  test.each([
    ['revoked', 'certificateRevoked'],
    ['deleted', 'serverDeleted'],
  ])('a held request of an agent that is %s is refused', async (how, code) => {
    const agent = await tests.agent();
    const { cursor } = await checkIn(agent);
    const waiting = agent.wait(cursor);
    if (how === 'revoked') await tests.graph.post(`/api/v1/servers/${agent.serverId}/revokeCertificates`);
    else {
      await tests.graph.delete(
        `microsoftTunnelSites/${tests.siteId}/microsoftTunnelServers/${agent.serverId}`,
      );
    }
    const { status, body } = await waiting;
    expect([status, body.error.code]).toEqual([401, code]);
  });

  test('an agent waits once: of two requests the older ends', async () => {
    const agent = await tests.agent();
    const { cursor } = await checkIn(agent);
    // Two connections: which request arrives first is not known, but one of them does.
    const requests = [new AbortController(), new AbortController()].map((end) => {
      const answer = agent.wait(cursor, end).then(
        ({ body }) => body,
        () => 'held',
      );
      return { end, answer };
    });
    expect(await Promise.race(requests.map(({ answer }) => answer))).toEqual({ hasChanged: false });
    for (const { end } of requests) end.abort();
    const answers = await Promise.all(requests.map(({ answer }) => answer));
    expect(answers.filter((answer) => answer === 'held')).toHaveLength(1);
  });

  test('the listener answers held requests when it stops', async () => {
    const other = await startListenerOfTests(database());
    const agent = await other.agent();
    const { cursor } = await checkIn(agent);
    const waiting = agent.wait(cursor);
    await agent.checkIn();
    await other.stop();
    expect((await waiting.catch(() => ({ body: { hasChanged: false } }))).body).toEqual({
      hasChanged: false,
    });
  });
});
