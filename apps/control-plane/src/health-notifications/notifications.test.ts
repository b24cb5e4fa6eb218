import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { tellState } from '../health-status/health-testing.ts';
import { evaluateAllServers } from '../health-status/keep.ts';
import { registerRoutes } from '../routes.ts';
import { TestContext, testApplication } from '../testing/application.ts';
import { describeOnEachEngine } from '../testing/databases.ts';
import { configurationExample, GraphCaller, siteExample } from '../testing/graph.ts';
import { collectChanges } from './collect.ts';
import { deliverDue } from './deliver.ts';
import { MailServer, type TestCertificate, testCertificate, WebhookReceiver } from './receivers-testing.ts';

const path = '/api/v1/notificationChannels';
const minute = 60_000;
const secret = `whsec_${Buffer.alloc(32, 5).toString('base64')}`;
const { signal } = new AbortController();

describeOnEachEngine('notifications', (database) => {
  let certificate: TestCertificate;
  let receiver: WebhookReceiver;
  let context: TestContext;
  let application: FastifyInstance;
  let caller: GraphCaller;

  beforeAll(async () => {
    certificate = await testCertificate();
    receiver = await WebhookReceiver.start(certificate);
  });
  afterAll(() => receiver.stop());
  beforeEach(async () => {
    for (const table of ['notification_channels', 'servers', 'sites'] as const)
      await database().tables.deleteFrom(table).execute();
    receiver.received.length = 0;
    receiver.status = 204;
    context = new TestContext(database());
    application = await testApplication(context, registerRoutes);
    caller = new GraphCaller(application);
  });

  const webhook = (changes = {}) => ({
    displayName: 'Operations',
    kind: 'webhook',
    url: receiver.url,
    secret,
    authority: certificate.authority,
    ...changes,
  });
  const mail = (changes = {}) => ({
    displayName: 'Mail',
    kind: 'mail',
    host: 'localhost',
    security: 'startTls',
    user: 'culvert',
    password: 'correct horse',
    from: 'culvert@example.com',
    to: ['operations@example.com'],
    authority: certificate.authority,
    ...changes,
  });
  const make = async (body: unknown): Promise<string> => {
    const { status, body: made } = await caller.post(path, body);
    expect([status, made.error]).toEqual([201, undefined]);
    return made.id;
  };
  const channel = async (id: string) => (await caller.get(`${path}/${id}`)).body;
  const makeServers = async (count: number): Promise<string[]> => {
    const configuration = await caller.post('microsoftTunnelConfigurations', configurationExample);
    const site = await caller.post('microsoftTunnelSites', siteExample(configuration.body.id));
    const url = `microsoftTunnelSites/${site.body.id}/microsoftTunnelServers`;
    const ids: string[] = [];
    for (let place = 0; place < count; place += 1) {
      ids.push((await caller.post(url, { displayName: `gateway-${place}` })).body.id);
    }
    return ids;
  };
  const evaluate = () => evaluateAllServers(database(), context.now());
  /** Lets all servers check in. */
  const checkIn = async (ids: readonly string[]) => {
    for (const id of ids) await tellState(database(), id, context.now());
    await evaluate();
  };
  const work = async () => {
    await collectChanges(context);
    while (await deliverDue(context, signal));
  };
  const waiting = () => database().tables.selectFrom('notification_deliveries').selectAll().execute();
  const told = () =>
    receiver.received.map(({ body }) =>
      JSON.parse(body).data.servers.map(({ displayName, previousStatus, status }: Record<string, string>) =>
        [displayName, previousStatus, status].join(' '),
      ),
    );

  test('a slow receiver leaves room for other work between two messages', async () => {
    await make(webhook());
    const ids = await makeServers(1);
    await checkIn(ids);
    context.pass(minute);
    await collectChanges(context);
    context.pass(6 * minute);
    await evaluate();
    context.pass(minute);
    await collectChanges(context);
    const slowly = {
      ...context,
      now: () => {
        context.pass(3_000);
        return context.now();
      },
    };
    expect(await deliverDue(slowly, signal)).toBe(false);
    expect(await waiting()).toHaveLength(1);
    expect(await deliverDue(context, signal)).toBe(true);
    expect(await waiting()).toEqual([]);
  });

  describe('a channel', () => {
    test('is made, read, changed and deleted, and its secret is never shown', async () => {
      const made = await caller.post(path, webhook());
      expect(made.status).toBe(201);
      expect(made.body).toMatchObject({
        kind: 'webhook',
        hasSecret: true,
        isEnabled: true,
        language: 'en',
        lastError: null,
      });
      const { id } = made.body;
      const changed = await caller.patch(`${path}/${id}`, { displayName: 'Night', language: 'ja' });
      expect(changed.body).toMatchObject({ displayName: 'Night', language: 'ja', hasSecret: true });
      const back = await caller.patch(`${path}/${id}`, changed.body);
      expect([back.status, back.body.hasSecret]).toEqual([200, true]);
      const list = await caller.get(path);
      const log = await caller.get('/api/v1/auditEntries?$top=1000');
      const { body: entry } = await caller.get(
        `/api/v1/auditEntries/${log.body.value.find(({ objectId }: { objectId: string }) => objectId === id).id}`,
      );
      for (const shown of [made, changed, list, log, { body: entry }]) {
        expect(JSON.stringify(shown.body)).not.toContain(secret.slice(6));
      }
      const row = await database()
        .tables.selectFrom('notification_channels')
        .selectAll()
        .executeTakeFirstOrThrow();
      expect(JSON.stringify(row)).not.toContain(secret.slice(6));
      expect((await caller.delete(`${path}/${id}`)).status).toBe(204);
      const actions = await caller.get(`/api/v1/auditEntries?$filter=objectId eq '${id}'&$orderby=dateTime`);
      expect(actions.body.value.map(({ action }: { action: string }) => action)).toEqual([
        'notificationChannel.create',
        'notificationChannel.update',
        'notificationChannel.update',
        'notificationChannel.delete',
      ]);
    });

    test.each([
      ['a webhook without its address', { kind: 'webhook', secret }, 'url'],
      ['a webhook without a secret', { kind: 'webhook', url: 'https://hooks.example.com/' }, 'secret'],
      ['a webhook without encryption', { kind: 'webhook', url: 'http://hooks.example.com/', secret }, 'url'],
      [
        'a webhook with a password in its address',
        { kind: 'webhook', url: 'https://a:b@example.com/', secret },
        'url',
      ],
      [
        'a secret that is none',
        { kind: 'webhook', url: 'https://hooks.example.com/', secret: 'x' },
        'secret',
      ],
      [
        'a webhook to somebody',
        { kind: 'webhook', url: 'https://example.com/', secret, to: ['a@example.com'] },
        'to',
      ],
      [
        'mail to nobody',
        { ...{ kind: 'mail', host: 'h', security: 'tls', from: 'a@example.com' }, to: [] },
        'to',
      ],
      [
        'mail without a server',
        { kind: 'mail', security: 'tls', from: 'a@b.example', to: ['a@b.example'] },
        'host',
      ],
      [
        'mail to no address',
        { kind: 'mail', host: 'h', security: 'tls', from: 'a', to: ['a@b.example'] },
        'from',
      ],
      [
        'a password without encryption',
        {
          kind: 'mail',
          host: 'h',
          security: 'none',
          from: 'a@b.example',
          to: ['a@b.example'],
          user: 'a',
          password: 'b',
        },
        'security',
      ],
      [
        'a user without a password',
        { kind: 'mail', host: 'h', security: 'tls', from: 'a@b.example', to: ['a@b.example'], user: 'a' },
        'password',
      ],
      [
        'an authority that is no certificate',
        { kind: 'webhook', url: 'https://example.com/', secret, authority: 'x' },
        'authority',
      ],
      [
        'a status that there is not',
        { kind: 'webhook', url: 'https://example.com/', secret, statuses: ['fine'] },
        'statuses[0]',
      ],
    ])('is refused with its field: %s', async (_, body, field) => {
      const { status, body: answer } = await caller.post(path, { displayName: 'Refused', ...body });
      expect([status, answer.error.details.map(({ target }: { target: string }) => target)]).toEqual([
        400,
        [field],
      ]);
      expect(JSON.stringify(answer)).not.toContain(secret.slice(6));
    });

    test('asks for its password again when it is to be sent to another mail server', async () => {
      const id = await make(mail());
      const moved = await caller.patch(`${path}/${id}`, { host: 'elsewhere.example.com' });
      expect([moved.status, moved.body.error.details[0].target]).toEqual([400, 'password']);
      expect(
        (await caller.patch(`${path}/${id}`, { host: 'elsewhere.example.com', password: 'x' })).status,
      ).toBe(200);
      const without = await caller.patch(`${path}/${id}`, { user: null, password: null });
      expect([without.status, without.body.hasSecret]).toEqual([200, false]);
    });

    test('is seen and changed only by who may see and change settings', async () => {
      context.letInWith('reader', 'Culvert_Settings_Read');
      const reader = new GraphCaller(application, 'reader');
      const id = await make(webhook());
      expect((await reader.get(path)).status).toBe(200);
      for (const refused of [
        await reader.post(path, webhook()),
        await reader.patch(`${path}/${id}`, {}),
        await reader.delete(`${path}/${id}`),
        await reader.post(`${path}/${id}/test`),
      ])
        expect(refused.status).toBe(403);
    });
  });

  describe('the test of a channel', () => {
    test('sends at once and says that it has arrived', async () => {
      const id = await make(webhook());
      expect((await caller.post(`${path}/${id}/test`)).body).toEqual({
        isDelivered: true,
        message: 'the test message was taken',
      });
      expect(JSON.parse(receiver.received[0]?.body ?? '')).toMatchObject({
        type: 'test',
        data: { servers: [] },
      });
      expect(await channel(id)).toMatchObject({ lastDeliveryDateTime: expect.any(String), lastError: null });
    });

    test('says why it has not arrived, and the channel remembers it until the next one does', async () => {
      const id = await make(webhook());
      receiver.status = 401;
      const { body } = await caller.post(`${path}/${id}/test`);
      expect(body).toMatchObject({ isDelivered: false, message: expect.stringContaining('401') });
      expect(await channel(id)).toMatchObject({ lastError: body.message, lastDeliveryDateTime: null });
      const entries = await caller.get(
        `/api/v1/auditEntries?$filter=action eq 'notificationChannel.test' and objectId eq '${id}'`,
      );
      expect(entries.body.value[0]).toMatchObject({ objectId: id, outcome: 'failure', detail: body.message });
      receiver.status = 200;
      await caller.post(`${path}/${id}/test`);
      expect(await channel(id)).toMatchObject({ lastError: null, lastErrorDateTime: null });
    });

    test('of none that is there is answered with 404', async () => {
      expect((await caller.post(`${path}/none/test`)).status).toBe(404);
    });

    test('sends mail with the password that was kept', async () => {
      const server = await MailServer.start(certificate, { authOptional: false });
      const id = await make(mail({ port: server.port }));
      expect((await caller.post(`${path}/${id}/test`)).body.isDelivered).toBe(true);
      expect(server.received[0]?.content).toContain('Subject: Culvert: test message');
      await server.stop();
    });
  });

  describe('a change of health', () => {
    test('is told after it has settled, once, to every channel that wants to know', async () => {
      const id = await make(webhook());
      await make(webhook({ displayName: 'Off', isEnabled: false }));
      await make(webhook({ displayName: 'Only upgrades', statuses: ['upgradeFailed'] }));
      const [server = ''] = await makeServers(1);
      await checkIn([server]);
      await work();
      expect(told()).toEqual([]);
      context.pass(minute);
      await work();
      await work();
      expect(told()).toEqual([['gateway-0 unknown healthy']]);
      expect(await waiting()).toEqual([]);
      expect((await channel(id)).lastDeliveryDateTime).not.toBeNull();
    });

    test('that is over before it has settled is not told', async () => {
      await make(webhook());
      const servers = await makeServers(1);
      await checkIn(servers);
      context.pass(minute);
      await work();
      context.pass(5 * minute);
      await evaluate();
      context.pass(10_000);
      await checkIn(servers);
      context.pass(minute);
      await work();
      expect(told()).toHaveLength(1);
    });

    test('of many servers at once is one message', async () => {
      await make(webhook());
      const servers = await makeServers(30);
      await checkIn(servers);
      context.pass(minute);
      await work();
      context.pass(5 * minute);
      await evaluate();
      context.pass(minute);
      await work();
      expect(told().map((list) => list.length)).toEqual([30, 30]);
      expect(told()[1]?.[0]).toBe('gateway-0 healthy offline');
    });

    test('is told to who was away, after others, in their order, and by a process that started anew', async () => {
      const id = await make(webhook());
      const other = await WebhookReceiver.start(certificate);
      await make(webhook({ displayName: 'Other', url: other.url }));
      const servers = await makeServers(1);
      receiver.status = 503;
      await checkIn(servers);
      context.pass(minute);
      await work();
      expect(other.received).toHaveLength(1);
      expect(await channel(id)).toMatchObject({ lastError: expect.stringContaining('503') });
      context.pass(5 * minute);
      await evaluate();
      receiver.status = 204;
      receiver.received.length = 0;
      context.pass(minute);
      await work();
      expect(told()).toEqual([['gateway-0 unknown healthy'], ['gateway-0 healthy offline']]);
      expect((await channel(id)).lastError).toBeNull();
      await other.stop();
    });

    test('that cannot be told for a day is given up, which stands in the audit log', async () => {
      const id = await make(webhook());
      receiver.status = 500;
      await checkIn(await makeServers(1));
      context.pass(minute);
      await work();
      const attempts = new Set<string | undefined>();
      for (let hours = 0; hours < 25; hours += 1) {
        context.pass(60 * minute);
        await work();
        attempts.add((await waiting())[0]?.id);
      }
      expect(await waiting()).toEqual([]);
      const ids = receiver.received.map(({ headers }) => headers['webhook-id']);
      expect(new Set(ids).size).toBe(1);
      expect(ids.length).toBeGreaterThan(10);
      expect(attempts.size).toBe(2);
      const entries = await caller.get(
        `/api/v1/auditEntries?$filter=action eq 'notificationChannel.giveUp' and objectId eq '${id}'`,
      );
      expect(entries.body.value[0]).toMatchObject({
        objectId: id,
        outcome: 'failure',
        detail: expect.stringContaining('(500)'),
      });
    });

    test('is not told any more when its channel is switched off in between', async () => {
      const id = await make(webhook());
      receiver.status = 500;
      await checkIn(await makeServers(1));
      context.pass(minute);
      await work();
      expect(await waiting()).toHaveLength(1);
      await caller.patch(`${path}/${id}`, { isEnabled: false });
      await work();
      expect(await waiting()).toEqual([]);
    });

    test('whose channel and server are deleted leaves nothing behind', async () => {
      const id = await make(webhook());
      receiver.status = 500;
      const [server = ''] = await makeServers(1);
      await checkIn([server]);
      context.pass(minute);
      await work();
      await caller.delete(`${path}/${id}`);
      await database().tables.deleteFrom('servers').execute();
      expect(await waiting()).toEqual([]);
      expect(await database().tables.selectFrom('server_health_changes').selectAll().execute()).toEqual([]);
    });
  });
});
