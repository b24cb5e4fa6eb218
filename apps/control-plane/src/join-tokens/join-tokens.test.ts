import { agentListenerSchema, parseJoinToken } from '@culvert/contracts';
import type { FastifyInstance } from 'fastify';
import { beforeAll, expect, test } from 'vitest';
import { agentAuthority } from '../agent-authority/authority.ts';
import { registerRoutes } from '../routes.ts';
import { TestContext, testApplication } from '../testing/application.ts';
import { describeOnEachEngine } from '../testing/databases.ts';
import { configurationExample, GraphCaller, makeScopeTags, siteExample } from '../testing/graph.ts';
import { purgeEndedJoinTokens } from './ended.ts';

const url = '/api/v1/joinTokens';
const day = 86_400_000;

describeOnEachEngine('join tokens', (database) => {
  let context: TestContext;
  let application: FastifyInstance;
  let graph: GraphCaller;
  const sites: Record<string, string> = {};

  beforeAll(async () => {
    context = new TestContext(database());
    application = await testApplication(context, registerRoutes);
    graph = new GraphCaller(application);
    await makeScopeTags(database(), '7', '8');
    const { body } = await graph.post('microsoftTunnelConfigurations', configurationExample);
    for (const tag of ['7', '8']) {
      const site = await graph.post('microsoftTunnelSites', {
        ...siteExample(body.id),
        roleScopeTagIds: [tag],
      });
      sites[tag] = site.body.id;
    }
  });

  test('anybody may ask where agents connect and whom they trust there', async () => {
    const answer = await application.inject('/api/v1/agentListener');
    const listener = agentListenerSchema.parse(answer.json());
    const { pem, fingerprint } = await agentAuthority(context);
    expect(listener).toEqual({ url: 'https://control.test:8444', authority: pem, fingerprint });
  });

  test('a join token says where, whom to trust and the secret, once and to nobody else', async () => {
    const { status, body } = await graph.post(url, { siteId: sites['7'] });
    expect(status).toBe(201);
    const token = parseJoinToken(body.joinToken);
    expect(token).toMatchObject({
      url: 'https://control.test:8444',
      fingerprint: (await agentAuthority(context)).fingerprint,
    });
    expect(Date.parse(body.expiresDateTime) - context.now().getTime()).toBeLessThanOrEqual(day);
    const everywhere = JSON.stringify([
      (await graph.get(url)).body,
      (await graph.get(`${url}/${body.id}`)).body,
      await database().tables.selectFrom('join_tokens').selectAll().execute(),
      await database().tables.selectFrom('audit_entries').selectAll().execute(),
    ]);
    expect(everywhere).toContain(body.id);
    expect(everywhere).not.toContain(token?.secret);
    expect(Object.keys((await graph.get(`${url}/${body.id}`)).body)).not.toContain('secretHash');
  });

  test.each([
    ['no site and no server', {}, 'siteId'],
    ['a site and a server', { siteId: 'a', serverId: 'b' }, 'siteId'],
    ['more than 30 days', { siteId: 'a', expiresIn: '31d' }, 'expiresIn'],
    ['no time at all', { siteId: 'a', expiresIn: '0h' }, 'expiresIn'],
    ['an unknown property', { siteId: 'a', colour: 'blue' }, 'colour'],
  ])('%s: refused with its field', async (_name, body, field) => {
    const refused = await graph.post(url, body);
    expect([refused.status, refused.body.error.details[0].target]).toEqual([400, field]);
  });

  test('for a site or server that is not there: 404', async () => {
    expect((await graph.post(url, { siteId: 'nothing' })).status).toBe(404);
    expect((await graph.post(url, { serverId: 'nothing' })).status).toBe(404);
  });

  test('callers make, see and take back those of their sites only', async () => {
    context.letIn('seven', {
      permissions: new Set([
        'Microsoft.Intune_MicrosoftTunnelGateway_Create',
        'Microsoft.Intune_MicrosoftTunnelGateway_Read',
        'Microsoft.Intune_MicrosoftTunnelGateway_Delete',
      ]),
      scopeTagIds: new Set(['7']),
    });
    const seven = new GraphCaller(application, 'seven');
    const foreign = (await graph.post(url, { siteId: sites['8'] })).body.id;
    const own = (await seven.post(url, { siteId: sites['7'] })).body.id;
    expect((await seven.post(url, { siteId: sites['8'] })).status).toBe(404);
    const listed = (await seven.get(url)).body.value;
    expect(new Set(listed.map(({ siteId }: { siteId: string }) => siteId))).toEqual(new Set([sites['7']]));
    expect((await seven.get(`${url}/${foreign}`)).status).toBe(404);
    expect((await seven.delete(`${url}/${foreign}`)).status).toBe(404);
    expect((await seven.delete(`${url}/${own}`)).status).toBe(204);
    const entries = await graph.get(`/api/v1/auditEntries?$filter=objectId eq '${own}'&$orderby=id`);
    expect(entries.body.value).toMatchObject([
      { action: 'joinToken.create', actorName: 'seven' },
      { action: 'joinToken.delete', actorName: 'seven' },
    ]);
  });

  test('tokens that ended long ago are forgotten', async () => {
    const { body } = await graph.post(url, { siteId: sites['7'], expiresIn: '1h' });
    const late = new Date(context.now().getTime() + 90 * day);
    expect(await purgeEndedJoinTokens(database().tables, late)).toBe(false);
    expect((await graph.get(`${url}/${body.id}`)).status).toBe(200);
    await purgeEndedJoinTokens(database().tables, new Date(late.getTime() + 2 * day));
    expect((await graph.get(`${url}/${body.id}`)).status).toBe(404);
  });
});
