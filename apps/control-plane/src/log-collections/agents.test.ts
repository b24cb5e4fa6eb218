import { createHash, randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ListenerOfTests, startListenerOfTests } from '../testing/agent-listener.ts';
import { describeOnEachEngine } from '../testing/databases.ts';
import { storeRecentLogs } from './recent-logs.ts';
import { settleCollections } from './settle.ts';

describeOnEachEngine('an agent', (database) => {
  let listener: ListenerOfTests;

  beforeAll(async () => {
    listener = await startListenerOfTests(database());
  });
  afterAll(() => listener.stop());

  test('is woken to make its logs verbose, and told to send them when their time is over', async () => {
    const { context, graph } = listener;
    const agent = await listener.agent();
    const before = (await agent.checkIn()).body;
    expect(before.settings).not.toHaveProperty('verboseLogsUntil');
    const waiting = agent.wait(before.cursor);
    const url = `/api/v1/servers/${agent.serverId}/sendVerboseLogs`;
    const { id, verboseUntil } = (await graph.post(url, { minutes: 10 })).body;
    expect((await waiting).body).toEqual({ hasChanged: true });
    const during = (await agent.checkIn()).body;
    expect(during).toMatchObject({ settings: { verboseLogsUntil: verboseUntil }, commands: [] });
    context.pass(10 * 60_000);
    const afterwards = agent.wait(during.cursor);
    await settleCollections(context);
    expect((await afterwards).body).toEqual({ hasChanged: true });
    const { settings, commands } = (await agent.checkIn()).body;
    expect(settings).not.toHaveProperty('verboseLogsUntil');
    expect(commands).toMatchObject([{ order: { kind: 'collectLogs', collection: id, end: verboseUntil } }]);
    const archive = randomBytes(1000);
    const path = `/agent/v1/log-collections/${id}`;
    expect((await agent.send('PUT', `${path}/pieces/0`, archive)).body).toEqual({ receivedBytes: 1000 });
    const sha256 = createHash('sha256').update(archive).digest('hex');
    const end = { outcome: 'completed', sizeInBytes: 1000, sha256 };
    expect((await agent.send('POST', `${path}/complete`, end)).status).toBe(200);
    expect((await graph.get(`/api/v1/logCollections/${id}`)).body.state).toBe('completed');
  });

  test('that sends warnings by itself counts as having sent logs', async () => {
    const agent = await listener.agent();
    await agent.checkIn();
    const headers = { 'content-type': 'application/gzip' };
    const lines = gzipSync('{"level":"warn"}\n');
    expect((await agent.send('PUT', '/agent/v1/recent-logs', lines, { headers })).status).toBe(204);
    const state = await database()
      .tables.selectFrom('server_states')
      .select('last_logs_at')
      .where('server_id', '=', agent.serverId)
      .executeTakeFirstOrThrow();
    expect(state.last_logs_at).toMatch(/^\d{4}-/);
  });

  test('that sends warnings without end keeps the newest, and others keep theirs', async () => {
    const [agent, other] = [await listener.agent(), await listener.agent()];
    const { tables } = database();
    const send = (serverId: string, lines: number) =>
      storeRecentLogs(tables, serverId, { packed: Buffer.from('x'), lines }, listener.context.now());
    await send(other.serverId, 1);
    for (let lines = 1; lines <= 255; lines += 1) {
      listener.context.pass(1);
      await send(agent.serverId, lines);
    }
    const kept = (serverId: string) =>
      tables
        .selectFrom('recent_logs')
        .select('lines')
        .where('server_id', '=', serverId)
        .orderBy('id')
        .execute();
    const lines = (await kept(agent.serverId)).map((row) => row.lines);
    expect([lines.length, lines.at(0), lines.at(-1)]).toEqual([250, 6, 255]);
    expect(await kept(other.serverId)).toHaveLength(1);
  });
});
