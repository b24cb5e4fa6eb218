import fc from 'fast-check';
import type { FastifyInstance } from 'fastify';
import { beforeAll, expect, test } from 'vitest';
import type { Grant } from '../permissions/caller.ts';
import { permissions } from '../permissions/permissions.ts';
import { registerRoutes } from '../routes.ts';
import { TestContext, testApplication } from '../testing/application.ts';
import { describeOnEachEngine } from '../testing/databases.ts';
import { configurationExample, GraphCaller, makeScopeTags, siteExample } from '../testing/graph.ts';
import { callerGrants, holds, type Thing, tagSets } from './scope-model.ts';

const read = 'Microsoft.Intune_MicrosoftTunnelGateway_Read';
const update = 'Microsoft.Intune_MicrosoftTunnelGateway_Update';
const remove = 'Microsoft.Intune_MicrosoftTunnelGateway_Delete';
const runs = { numRuns: 25 };

describeOnEachEngine('scope tags', (database) => {
  let context: TestContext;
  let application: FastifyInstance;
  const configurations: Thing[] = [];
  const sites: (Thing & { configuration: Thing; server: string })[] = [];
  const collections: Thing[] = [];
  /** With which servers are told to send their logs. */
  const commands: Thing[] = [];

  beforeAll(async () => {
    context = new TestContext(database());
    application = await testApplication(context, registerRoutes);
    await makeScopeTags(database(), '1', '2');
    const all = new GraphCaller(application);
    const make = async (path: string, body: unknown): Promise<string> => {
      const made = await all.post(path, body);
      return made.body.id ?? made.body.value.id;
    };
    // An object for each set of tags, and a site for each pair of sets.
    for (const tags of tagSets) {
      const displayName = `configuration ${tags}`;
      const properties = { ...configurationExample, displayName, roleScopeTagIds: tags };
      configurations.push({ id: await make('microsoftTunnelConfigurations', properties), tags, displayName });
    }
    for (const configuration of configurations) {
      for (const tags of tagSets) {
        const displayName = `site ${tags} with ${configuration.displayName}`;
        const properties = { ...siteExample(configuration.id), displayName, roleScopeTagIds: tags };
        const id = await make('microsoftTunnelSites', properties);
        const servers = `microsoftTunnelSites/${id}/microsoftTunnelServers`;
        const server = await make(servers, { displayName: `server of ${displayName}` });
        const span = { startDateTime: '2026-01-01T00:00:00Z', endDateTime: '2026-01-02T00:00:00Z' };
        const collection = await make(`${servers}/${server}/createServerLogCollectionRequest`, span);
        sites.push({ id, tags, displayName, configuration, server });
        collections.push({ id: collection, tags, displayName: server });
        const { id: command } = await database()
          .tables.selectFrom('server_commands')
          .select('id')
          .where('server_id', '=', server)
          .executeTakeFirstOrThrow();
        commands.push({ id: command, tags, displayName: server });
      }
    }
  });

  /** Somebody with these grants, under a name of their own. */
  const callerWith = (grants: readonly Grant[]) => {
    context.letIn('somebody', ...grants);
    return new GraphCaller(application, 'somebody');
  };
  const idsOf = (body: { value: { id: string }[] }) => body.value.map(({ id }) => id).sort();
  const visible = (things: readonly Thing[], grants: readonly Grant[]) =>
    things
      .filter(({ tags }) => holds(grants, read, tags))
      .map(({ id }) => id)
      .sort();
  const property = (check: (grants: Grant[], caller: GraphCaller) => Promise<void>) =>
    fc.assert(
      fc.asyncProperty(callerGrants, (grants) => check(grants, callerWith(grants))),
      runs,
    );

  test('lists, counts, filters and pages show exactly what the model says', async () => {
    const lists = { microsoftTunnelConfigurations: configurations, microsoftTunnelSites: sites };
    await property(async (grants, caller) => {
      for (const [path, things] of Object.entries(lists)) {
        const expected = visible(things, grants);
        const whole = await caller.get(`${path}?$top=1000&$count=true`);
        if (!holds(grants, read)) {
          expect(whole.status).toBe(403);
          continue;
        }
        expect([idsOf(whole.body), whole.body['@odata.count']]).toEqual([expected, expected.length]);
        const counted = await caller.get(`${path}?$top=0&$count=true`);
        expect(counted.body).toMatchObject({ '@odata.count': expected.length, value: [] });
        const tagged = await caller.get(
          `${path}?$top=1000&$count=true&$filter=roleScopeTagIds/any(t:t eq '1')`,
        );
        const ones = visible(
          things.filter(({ tags }) => tags.includes('1')),
          grants,
        );
        expect([idsOf(tagged.body), tagged.body['@odata.count']]).toEqual([ones, ones.length]);
        const evading = "$filter=(not contains(displayName,'x')) or displayName ne null or id ne ''";
        expect(idsOf((await caller.get(`${path}?$top=1000&${evading}`)).body)).toEqual(expected);
      }
      if (!holds(grants, read)) return;
      const logs = await caller.get(
        'microsoftTunnelServerLogCollectionResponses?$top=1000&$count=true&$orderby=status',
      );
      const expected = visible(collections, grants);
      expect([idsOf(logs.body), logs.body['@odata.count']]).toEqual([expected, expected.length]);
    });
  });

  test('the audit log shows the entries about objects in scope', async () => {
    const audit = 'Culvert_Audit_Read';
    const things = [...configurations, ...sites, ...collections, ...commands].map(({ id, tags }) => ({
      id,
      tags,
    }));
    for (const { server, tags } of sites) things.push({ id: server, tags });
    await fc.assert(
      fc.asyncProperty(callerGrants, async (grants) => {
        const granted = grants.map((grant) => ({ ...grant, permissions: new Set([audit] as const) }));
        const caller = callerWith(granted);
        if (grants.length === 0) return;
        const { body } = await caller.get(
          "/api/v1/auditEntries?$top=1000&$filter=endswith(action,'.create')",
        );
        const seen = body.value.map(({ objectId }: { objectId: string }) => objectId).sort();
        const expected = things.filter(({ tags }) => holds(granted, audit, tags)).map(({ id }) => id);
        expect(seen).toEqual(expected.sort());
      }),
      runs,
    );
  });

  test('pages follow each other without an object out of scope, also behind the link of somebody else', async () => {
    const administrator = new GraphCaller(application);
    const path = (link: string) => link.replace(context.configuration.publicUrl, '');
    const first = await administrator.get('microsoftTunnelSites?$orderby=displayName desc&$top=11');
    await property(async (grants, caller) => {
      if (!holds(grants, read)) return;
      const seen: string[] = [];
      let link: string | undefined = 'microsoftTunnelSites?$orderby=displayName desc&$top=11&$count=true';
      while (link !== undefined) {
        const { body }: { body: { value: { id: string }[]; '@odata.nextLink'?: string } } =
          await caller.get(link);
        seen.push(...idsOf(body));
        link = body['@odata.nextLink'] === undefined ? undefined : path(body['@odata.nextLink']);
      }
      expect(seen.sort()).toEqual(visible(sites, grants));
      const foreign = await caller.get(`${path(first.body['@odata.nextLink'])}&$count=true`);
      expect(visible(sites, grants)).toEqual(expect.arrayContaining(idsOf(foreign.body)));
      expect(foreign.body['@odata.count']).toBe(visible(sites, grants).length);
    });
  });

  test('related objects are shown only in scope', async () => {
    await property(async (grants, caller) => {
      if (!holds(grants, read)) return;
      const expand = '$expand=microsoftTunnelConfiguration,microsoftTunnelServers';
      const { body } = await caller.get(`microsoftTunnelSites?$top=1000&${expand}`);
      for (const shown of body.value) {
        const site = sites.find(({ id }) => id === shown.id);
        const inside = site !== undefined && holds(grants, read, site.configuration.tags);
        expect(shown.microsoftTunnelConfiguration?.id ?? null).toBe(inside ? site.configuration.id : null);
        expect(idsOf({ value: shown.microsoftTunnelServers })).toEqual([site?.server]);
        const followed = await caller.get(`microsoftTunnelSites/${shown.id}/microsoftTunnelConfiguration`);
        expect(followed.status).toBe(inside ? 200 : 404);
      }
    });
  });

  test('an object out of scope is answered as one that is not there, in each way of using it', async () => {
    const site = fc.nat(sites.length - 1).map((index) => sites[index] as (typeof sites)[number]);
    await fc.assert(
      fc.asyncProperty(
        callerGrants,
        site,
        fc.nat(tagSets.length - 1),
        async (grants, { id, tags, server }, place) => {
          const caller = callerWith(grants);
          const servers = `microsoftTunnelSites/${id}/microsoftTunnelServers`;
          const configuration = configurations[place] as Thing;
          const collection = collections[sites.findIndex((one) => one.id === id)] as Thing;
          const ways: [string, string, string, () => ReturnType<GraphCaller['get']>][] = [
            [read, `site ${id}`, '200', () => caller.get(`microsoftTunnelSites/${id}`)],
            [read, `site ${id}`, '200', () => caller.get(servers)],
            [read, `site ${id}`, '200', () => caller.get(`${servers}/${server}`)],
            [
              read,
              `site ${id}`,
              '200',
              () => caller.post(`${servers}/${server}/getHealthMetrics`, { metricNames: ['cpuUsage'] }),
            ],
            [update, `site ${id}`, '200', () => caller.patch(`${servers}/${server}`, {})],
            [update, `site ${id}`, '204', () => caller.post(`microsoftTunnelSites/${id}/requestUpgrade`)],
            [remove, `site ${id}`, '409', () => caller.delete(`microsoftTunnelSites/${id}`)],
            [
              read,
              `log collection ${collection.id}`,
              '200',
              () => caller.get(`microsoftTunnelServerLogCollectionResponses/${collection.id}`),
            ],
            [
              read,
              `log collection ${collection.id}`,
              '200',
              () => caller.get(`/api/v1/logCollections/${collection.id}`),
            ],
            [read, `server ${server}`, '200', () => caller.get(`/api/v1/servers/${server}/recentLogs`)],
            [
              update,
              `server ${server}`,
              '409',
              () => caller.post(`/api/v1/servers/${server}/stopVerboseLogs`),
            ],
            [
              update,
              `log collection ${collection.id}`,
              '409',
              () =>
                caller.post(
                  `microsoftTunnelServerLogCollectionResponses/${collection.id}/generateDownloadUrl`,
                ),
            ],
          ];
          for (const [permission, what, good, way] of ways) {
            const { status, body } = await way();
            const seen = `${permission} ${what} ${JSON.stringify(body?.error?.message)}`;
            if (!holds(grants, permission)) expect(status, seen).toBe(403);
            else if (holds(grants, permission, tags)) expect(`${status}`, seen).toBe(good);
            else if (holds(grants, read, tags))
              expect([status, body.error.message], seen).toEqual([
                403,
                expect.stringContaining(`you may see the ${what}`),
              ]);
            else expect([status, body.error.message], seen).toEqual([404, `there is no ${what}`]);
          }
          // The refusal to delete a configuration in use names only the sites that the caller may see.
          const refused = await caller.delete(`microsoftTunnelConfigurations/${configuration.id}`);
          if (!holds(grants, remove, configuration.tags)) return;
          expect(refused.status).toBe(409);
          const users = sites.filter((one) => one.configuration.id === configuration.id);
          expect(
            (refused.body.error.details ?? []).map(({ message }: { message: string }) => message).sort(),
          ).toEqual(
            users
              .filter((one) => holds(grants, read, one.tags))
              .map(({ displayName }) => displayName)
              .sort(),
          );
        },
      ),
      runs,
    );
  });

  test('nothing is put out of the scope of its maker, and nothing foreign is referred to', async () => {
    const all = permissions.filter((permission) => permission.startsWith('Microsoft.Intune'));
    const caller = callerWith([{ permissions: new Set(all), scopeTagIds: new Set(['1']) }]);
    const own = configurations.find(({ tags }) => tags.join() === '1') as Thing;
    const foreign = configurations.find(({ tags }) => tags.join() === '2') as Thing;
    const site = sites.find((one) => one.tags.join() === '1') as Thing;
    for (const roleScopeTagIds of [['2'], ['1', '2']]) {
      const made = await caller.post('microsoftTunnelSites', { ...siteExample(own.id), roleScopeTagIds });
      expect([made.status, made.body.error.details[0].target]).toEqual([403, 'roleScopeTagIds']);
      const moved = await caller.patch(`microsoftTunnelSites/${site.id}`, { roleScopeTagIds });
      expect(moved.status).toBe(403);
    }
    const refusals = [];
    for (const id of [foreign.id, '00000000-0000-7000-8000-000000000000']) {
      const address = { '@odata.id': `/graph/beta/deviceManagement/microsoftTunnelConfigurations/${id}` };
      const { status, body } = await caller.put(
        `microsoftTunnelSites/${site.id}/microsoftTunnelConfiguration/$ref`,
        address,
      );
      const made = await caller.post('microsoftTunnelSites', { ...siteExample(id), roleScopeTagIds: ['1'] });
      refusals.push(
        JSON.stringify([status, body.error.details, made.status, made.body.error.details]).replaceAll(
          id,
          'ID',
        ),
      );
    }
    expect(refusals[0]).toBe(refusals[1]);
  });
});
