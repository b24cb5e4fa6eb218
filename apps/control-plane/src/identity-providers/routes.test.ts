import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { assign, from } from '../accounts/account-testing.ts';
import { accountOfUpstream } from '../accounts/upstream.ts';
import { ensureBuiltInRoles } from '../roles/built-in-roles.ts';
import { registerRoutes } from '../routes.ts';
import { TestContext, testApplication } from '../testing/application.ts';
import { describeOnEachEngine } from '../testing/databases.ts';
import { GraphCaller } from '../testing/graph.ts';
import { findProvider } from './provider.ts';
import { type Listening, startForgery, startProvider } from './provider-testing.ts';

const path = '/api/v1/identityProviders';
const example = {
  displayName: 'Directory',
  issuer: 'https://login.example.com',
  clientId: 'culvert',
  clientSecret: 'hush hush hush',
};

describeOnEachEngine('identity providers', (database) => {
  let context: TestContext;
  let application: FastifyInstance;
  let administrator: GraphCaller;
  let operator: GraphCaller;

  beforeAll(async () => {
    context = new TestContext(database());
    context.letInWith('operator', 'Culvert_Settings_Read', 'Culvert_Settings_Update');
    application = await testApplication(context, registerRoutes);
    await ensureBuiltInRoles(database());
    administrator = new GraphCaller(application);
    operator = new GraphCaller(application, 'operator');
  });

  const make = async (changes = {}): Promise<string> =>
    (await administrator.post(path, { ...example, ...changes })).body.id;
  const secretOf = async (id: string) =>
    (await findProvider(database().tables, context.secrets, id))?.clientSecret;

  test('are made, read, changed and deleted, and never show their secret', async () => {
    const made = await administrator.post(path, example);
    expect(made.status).toBe(201);
    const { id } = made.body;
    expect(made.body).toMatchObject({
      displayName: 'Directory',
      hasClientSecret: true,
      scopes: ['openid', 'profile', 'email'],
      userNameClaim: 'preferred_username',
      groupsClaim: 'groups',
      allowedGroups: [],
      isEnabled: true,
    });
    expect(await secretOf(id)).toBe(example.clientSecret);
    const changed = await administrator.patch(`${path}/${id}`, { groupsClaim: 'https://example.com/groups' });
    expect(changed.body).toMatchObject({ groupsClaim: 'https://example.com/groups', hasClientSecret: true });
    expect(await secretOf(id)).toBe(example.clientSecret);
    await administrator.patch(`${path}/${id}`, { clientSecret: 'another secret' });
    expect(await secretOf(id)).toBe('another secret');
    const publicClient = await administrator.patch(`${path}/${id}`, { clientSecret: null });
    expect(publicClient.body.hasClientSecret).toBe(false);
    expect(await secretOf(id)).toBeUndefined();
    const kept = JSON.stringify([
      made.body,
      (await administrator.get(path)).body,
      await database().tables.selectFrom('audit_entries').selectAll().execute(),
      await database().tables.selectFrom('identity_providers').selectAll().execute(),
    ]);
    expect(kept).not.toContain(example.clientSecret);
    expect(kept).not.toContain('another secret');
    expect((await administrator.delete(`${path}/${id}`)).status).toBe(204);
  });

  test('tell every mistake at once', async () => {
    const { status, body } = await administrator.post(path, {
      issuer: 'http://login.example.com',
      clientId: '',
      clientSecret: 7,
      scopes: ['profile'],
      colour: 'blue',
    });
    const targets = body.error.details.map(({ target }: { target: string }) => target);
    expect([status, targets.sort()]).toEqual([
      400,
      ['clientId', 'clientSecret', 'colour', 'displayName', 'issuer', 'scopes'],
    ]);
  });

  test('do not take their secret along to another issuer', async () => {
    const id = await make();
    const moved = await administrator.patch(`${path}/${id}`, { issuer: 'https://evil.example.com' });
    expect([moved.status, moved.body.error.details[0].target]).toEqual([400, 'clientSecret']);
    const again = { issuer: 'https://other.example.com', clientSecret: 'given again' };
    expect((await administrator.patch(`${path}/${id}`, again)).status).toBe(200);
    expect(await secretOf(id)).toBe('given again');
  });

  test('cannot be set up by who holds less than groups give', async () => {
    expect((await operator.post(path, example)).status).toBe(201);
    const id = await make();
    await assign(context, 'group', 'Administrators', 'administrator');
    const answers = [
      await operator.post(path, example),
      await operator.patch(`${path}/${id}`, { issuer: 'https://evil.example.com' }),
      await operator.delete(`${path}/${id}`),
    ];
    expect(answers.map(({ status }) => status)).toEqual([403, 403, 403]);
    expect((await administrator.patch(`${path}/${id}`, { displayName: 'Other' })).status).toBe(200);
    await database().tables.deleteFrom('role_assignments').execute();
  });

  test('stay while accounts sign in through them, and while the last administrator does', async () => {
    const id = await make({ issuer: 'https://one.example.com' });
    const user = { providerId: id, subject: 's1', userName: 'aki', displayName: 'Aki', groups: ['Admins'] };
    await accountOfUpstream(context, user, from());
    const kept = await administrator.delete(`${path}/${id}`);
    expect([kept.status, kept.body.error.message]).toEqual([409, expect.stringContaining('aki')]);
    await assign(context, 'group', 'Admins', 'administrator');
    expect((await administrator.patch(`${path}/${id}`, { isEnabled: false })).status).toBe(409);
    await database().tables.deleteFrom('role_assignments').execute();
    expect((await administrator.patch(`${path}/${id}`, { isEnabled: false })).status).toBe(200);
    expect(await accountOfUpstream(context, user, from())).toBe('disabled');
  });

  test('need the permission of settings', async () => {
    const id = await make();
    context.letInWith('stranger', 'Culvert_Accounts_Read');
    const stranger = new GraphCaller(application, 'stranger');
    const answers = [
      await stranger.get(path),
      await stranger.post(path, example),
      await stranger.post(`${path}/${id}/test`),
    ];
    expect(answers.map(({ status }) => status)).toEqual([403, 403, 403]);
  });

  test('say at a try what they answer, or what is wrong', async () => {
    const servers: Listening[] = [];
    const start = async (listening: Promise<Listening>) => {
      servers.push(await listening);
      return (await listening).issuer;
    };
    afterAll(() => Promise.all(servers.map((server) => server.stop())));
    const tryAt = async (issuer: string, changes = {}) => {
      const id = await make({ issuer, ...changes });
      return (await operator.post(`${path}/${id}/test`)).body;
    };
    const working = await tryAt(await start(startProvider(() => ({}))));
    expect(working.isWorking).toBe(true);
    expect(working.findings).toContainEqual({ kind: 'good', message: '1 public key to check answers' });
    const noKeys = await start(
      startForgery(() => ({ nonce: '', metadata: { jwks_uri: 'http://127.0.0.1:1/' } })),
    );
    expect(await tryAt(noKeys)).toMatchObject({ isWorking: false });
    const gone = await startForgery(() => ({ nonce: '' }));
    await gone.stop();
    const silent = await tryAt(gone.issuer);
    expect(silent).toEqual({
      isWorking: false,
      findings: [
        { kind: 'problem', message: 'the provider cannot be reached: it refuses connections (ECONNREFUSED)' },
      ],
    });
    const doubtful = await start(
      startForgery(() => ({ nonce: '', metadata: { scopes_supported: ['openid', 'profile'] } })),
    );
    const { isWorking, findings } = await tryAt(doubtful);
    expect(isWorking).toBe(true);
    expect(findings.filter(({ kind }: { kind: string }) => kind === 'warning')).toHaveLength(2);
    expect((await operator.post(`${path}/none/test`)).status).toBe(404);
  });
});
