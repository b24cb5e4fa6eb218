import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ListenerOfTests, startListenerOfTests } from '../testing/agent-listener.ts';
import { describeOnEachEngine } from '../testing/databases.ts';
import { GraphCaller, makeScopeTags, siteExample } from '../testing/graph.ts';
import type { TestAgent } from '../testing/test-agent.ts';
import { endCommands } from './ended.ts';

const day = 86_400_000;

describeOnEachEngine('commands', (database) => {
  let tests: ListenerOfTests;
  beforeAll(async () => {
    tests = await startListenerOfTests(database());
    await makeScopeTags(database(), '7');
  });
  afterAll(() => tests.stop());

  const url = (agent: TestAgent) => `/api/v1/servers/${agent.serverId}/commands`;
  const order = (agent: TestAgent, body: object = { kind: 'restartServer' }) =>
    tests.graph.post(url(agent), body);

  test('a command waits, is sent until its result is there, and its result counts once', async () => {
    const agent = await tests.agent();
    const { status, body, headers } = await order(agent, {
      kind: 'disconnectUser',
      user: 'ada',
      message: 'good night',
    });
    expect([status, body.state, body.order.user]).toEqual([201, 'waiting', 'ada']);
    expect(headers.location).toBe(`https://control.test:8443${url(agent)}/${body.id}`);
    const read = async () => (await tests.graph.get(`${url(agent)}/${body.id}`)).body;
    // An answer may get lost, so the agent hears it again.
    for (let time = 0; time < 2; time += 1) {
      const { commands } = (await agent.checkIn()).body;
      expect(commands).toEqual([
        { id: body.id, order: { kind: 'disconnectUser', user: 'ada', message: 'good night' } },
      ]);
      expect(await read()).toMatchObject({ state: 'sent', sentDateTime: expect.any(String) });
    }
    const result = { id: body.id, outcome: 'done', detail: '2 sessions were ended' } as const;
    expect((await agent.checkIn({ commandResults: [result] })).body.commands).toEqual([]);
    const done = await read();
    expect(done).toMatchObject({ state: 'done', detail: result.detail });
    await agent.checkIn({ commandResults: [{ ...result, outcome: 'failed', detail: 'no' }] });
    expect(await read()).toEqual(done);
    const entries = await tests.graph.get(
      `/api/v1/auditEntries?$filter=objectId eq '${body.id}'&$orderby=id`,
    );
    expect(entries.body.value).toMatchObject([
      { action: 'serverCommand.create', actorName: 'administrator', outcome: 'success' },
      { action: 'serverCommand.finish', actorKind: 'agent', actorId: agent.serverId },
    ]);
  });

  test('a server has no say in the commands of another one', async () => {
    const [agent, other] = [await tests.agent(), await tests.agent()];
    const { body } = await order(agent);
    expect((await other.checkIn()).body.commands).toEqual([]);
    await other.checkIn({ commandResults: [{ id: body.id, outcome: 'done' }] });
    expect((await tests.graph.get(`${url(agent)}/${body.id}`)).body.state).toBe('waiting');
    expect((await tests.graph.get(`${url(other)}/${body.id}`)).status).toBe(404);
    expect((await tests.graph.get(url(other))).body.value).toEqual([]);
  });

  test('the list of a server is newest first and can be filtered', async () => {
    const agent = await tests.agent();
    for (const kind of ['restartServer', 'renewCertificate']) await order(agent, { kind });
    const kinds = (body: { value: { kind: string }[] }) => body.value.map(({ kind }) => kind);
    expect(kinds((await tests.graph.get(url(agent))).body)).toEqual(['renewCertificate', 'restartServer']);
    const filtered = await tests.graph.get(`${url(agent)}?$filter=kind eq 'restartServer'`);
    expect(kinds(filtered.body)).toEqual(['restartServer']);
    const refused = await tests.graph.get(`${url(agent)}?$filter=order eq 'x'`);
    expect([refused.status, refused.body.error.message]).toEqual([
      400,
      expect.stringContaining('order cannot be compared'),
    ]);
  });

  test.each([
    ['an unknown kind', { kind: 'explode' }],
    ['logs, which are asked for elsewhere', { kind: 'collectLogs', collection: 'x', start: 'a', end: 'b' }],
    ['a session without its name', { kind: 'disconnectSession' }],
    ['something more', { kind: 'restartServer', colour: 'blue' }],
  ])('%s: refused', async (_name, body) => {
    const agent = await tests.agent();
    expect((await order(agent, body)).status).toBe(400);
  });

  test('each kind needs its permission, over this server', async () => {
    const site = await tests.graph.post('microsoftTunnelSites', {
      ...siteExample(tests.configurationId),
      roleScopeTagIds: ['7'],
    });
    const agent = await tests.agent({ bearer: 'administrator', siteId: site.body.id });
    const update = 'Microsoft.Intune_MicrosoftTunnelGateway_Update';
    const disconnect = 'Culvert_Sessions_Delete';
    tests.context.letInWith('updates', update);
    tests.context.letInWith('disconnects', disconnect);
    tests.context.letIn('elsewhere', {
      permissions: new Set([update, disconnect]),
      scopeTagIds: new Set(['0']),
    });
    const statusOf = async (name: string, body: object) =>
      (await new GraphCaller(tests.application, name).post(url(agent), body)).status;
    const session = { kind: 'disconnectSession', session: 'x' };
    expect([
      await statusOf('updates', { kind: 'restartServer' }),
      await statusOf('updates', session),
      await statusOf('disconnects', { kind: 'restartServer' }),
      await statusOf('disconnects', session),
      await statusOf('elsewhere', { kind: 'restartServer' }),
      await statusOf('elsewhere', session),
    ]).toEqual([201, 403, 403, 201, 404, 404]);
  });

  test('a command is given up after a day, and forgotten much later', async () => {
    const agent = await tests.agent();
    const [waiting, sent] = [await order(agent), await tests.agent().then((other) => ({ other }))];
    const told = await order(sent.other);
    await sent.other.checkIn();
    const state = async (of: TestAgent, { body }: { body: { id: string } }) =>
      (await tests.graph.get(`${url(of)}/${body.id}`)).body;
    const later = new Date(tests.context.now().getTime() + day);
    await endCommands(database().tables, later);
    expect(await state(agent, waiting)).toMatchObject({
      state: 'expired',
      detail: 'the server did not check in within a day',
    });
    expect(await state(sent.other, told)).toMatchObject({
      state: 'expired',
      detail: 'the server got it and did not say what came of it',
    });
    expect((await agent.checkIn()).body.commands).toEqual([]);
    // What was done counts also when it is told late.
    await sent.other.checkIn({ commandResults: [{ id: told.body.id, outcome: 'done' }] });
    expect((await state(sent.other, told)).state).toBe('done');
    await endCommands(database().tables, new Date(later.getTime() + 90 * day));
    expect((await tests.graph.get(url(agent))).body.value).toEqual([]);
  });

  test('a server that is offline gathers a bounded number of commands', { timeout: 30_000 }, async () => {
    const agent = await tests.agent();
    for (let number = 0; number < 100; number += 1) expect((await order(agent)).status).toBe(201);
    const refused = await order(agent);
    expect([refused.status, refused.body.error.message]).toEqual([
      409,
      expect.stringContaining('is it offline?'),
    ]);
    const { commands } = (await agent.checkIn()).body;
    expect(commands).toHaveLength(100);
  });
});
