import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ListenerOfTests, startListenerOfTests } from '../testing/agent-listener.ts';
import { describeOnEachEngine } from '../testing/databases.ts';
import { checkInExample } from '../testing/test-agent.ts';

describeOnEachEngine('agents in an upgrade', (database) => {
  let tests: ListenerOfTests;
  beforeAll(async () => {
    tests = await startListenerOfTests(database());
  });
  afterAll(() => tests.stop());

  const running = (version: string) => ({
    ...checkInExample(),
    versions: { agent: version, gateway: version, engine: version },
  });

  test('that wait are woken when it is their turn, and only then, and check in often until they are done', async () => {
    const { graph, siteId } = tests;
    const join = (hostName: string) => tests.agent({ bearer: 'administrator', siteId, hostName });
    const [first, second] = [await join('a'), await join('b')];
    const before = [await first.checkIn(running('1.0.0')), await second.checkIn(running('1.0.0'))];
    expect(before.map(({ body }) => body.desiredVersion)).toEqual([undefined, undefined]);
    expect((await graph.patch('/api/v1/settings', { upgradeSoakSeconds: 0 })).status).toBe(200);
    await graph.post('/api/v1/releases', { version: '1.1.0' });
    const [one, other] = [await first.checkIn(running('1.0.0')), await second.checkIn(running('1.0.0'))];

    const woken = first.wait(one?.body.cursor);
    expect((await graph.post(`/api/v1/sites/${siteId}/upgrades`, {})).body.state).toBe('running');
    expect((await woken).body).toEqual({ hasChanged: true });
    const told = await first.checkIn(running('1.0.0'));
    expect(told.body).toMatchObject({ desiredVersion: '1.1.0', nextCheckInSeconds: 10 });
    // Nothing has changed for the other one.
    expect((await second.checkIn(running('1.0.0'))).body).toMatchObject({
      cursor: other?.body.cursor,
      nextCheckInSeconds: 60,
    });

    const turn = second.wait(other?.body.cursor);
    const done = await first.checkIn(running('1.1.0'));
    expect([done.body.desiredVersion, done.body.nextCheckInSeconds]).toEqual([undefined, 60]);
    expect((await turn).body).toEqual({ hasChanged: true });
    expect((await second.checkIn(running('1.0.0'))).body.desiredVersion).toBe('1.1.0');
    const upgrade = {
      version: '1.1.0',
      state: 'failed',
      reason: 'no release 1.1.0 here',
      at: new Date().toISOString(),
    };
    const failed = await second.checkIn({ ...running('1.0.0'), upgrade: { ...upgrade, state: 'failed' } });
    expect(failed.body.desiredVersion).toBeUndefined();
    const [{ state, reason }] = (await graph.get(`/api/v1/sites/${siteId}/upgrades`)).body.value;
    expect([state, reason]).toEqual(['failed', 'b: no release 1.1.0 here']);
  });
});
