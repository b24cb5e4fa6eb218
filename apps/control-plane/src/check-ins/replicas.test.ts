import { afterAll, beforeAll, expect, test } from 'vitest';
import { agentAuthority } from '../agent-authority/authority.ts';
import { orderCommand } from '../commands/order.ts';
import { configurationExample, siteExample } from '../testing/graph.ts';
import { type ControlPlanes, publicUrl, startControlPlanes } from '../testing/running-control-plane.ts';
import { TestAgent } from '../testing/test-agent.ts';
import { createToken } from '../tokens/store.ts';

let planes: ControlPlanes;
beforeAll(async () => {
  planes = await startControlPlanes('postgresql', { count: 2 });
}, 60_000);
afterAll(() => planes.stop());

test('replicas share their authority, and a change at one wakes the agent that waits at the other', async () => {
  const [first, second] = planes.replicas;
  if (first === undefined || second === undefined) throw new Error('two replicas are needed');
  const { tables } = first.context.database;
  const { pem } = await agentAuthority(first.context);
  expect((await agentAuthority(second.context)).pem).toBe(pem);
  const actor = { kind: 'system', name: 'test' } as const;
  const wanted = { displayName: 'x', roleId: 'administrator', scopeTagIds: undefined, lifetime: 600_000 };
  const { token: bearer } = await createToken(tables, wanted, actor, new Date());
  const create = async (path: string, body: unknown) => {
    const answer = await planes.fetch(`${publicUrl}/graph/beta/deviceManagement/${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return ((await answer.json()) as { id: string }).id;
  };
  const configuration = await create('microsoftTunnelConfigurations', configurationExample);
  const siteId = await create('microsoftTunnelSites', siteExample(configuration));

  const placeOf = (port: number) => ({ port, authority: pem, host: new URL(publicUrl).hostname });
  const joined = await TestAgent.joined(placeOf(first.agentPort), { bearer, siteId });
  const agent = new TestAgent(placeOf(second.agentPort), joined.certificate);
  const { body } = await agent.checkIn();
  const waiting = agent.wait(body.cursor);
  await tables.transaction().execute((change) =>
    orderCommand({ tables: change, context: first.context, caller: { actor } }, joined.serverId, {
      kind: 'restartServer',
    }),
  );
  expect((await waiting).body).toEqual({ hasChanged: true });
  expect((await agent.checkIn()).body.commands).toMatchObject([{ order: { kind: 'restartServer' } }]);
  for (const one of [joined, agent]) one.close();
});
