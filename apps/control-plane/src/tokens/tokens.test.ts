import fc from 'fast-check';
import type { FastifyInstance } from 'fastify';
import { beforeAll, describe, expect, test } from 'vitest';
import { makeAccount } from '../accounts/account-testing.ts';
import { authenticator } from '../authentication/authenticate.ts';
import { permissions } from '../permissions/permissions.ts';
import { ensureBuiltInRoles } from '../roles/built-in-roles.ts';
import { registerRoutes } from '../routes.ts';
import { TestContext, testApplication } from '../testing/application.ts';
import { describeOnEachEngine } from '../testing/databases.ts';
import { GraphCaller, makeScopeTags, siteExample } from '../testing/graph.ts';
import { parseDuration } from './duration.ts';
import { createToken } from './store.ts';
import { hashToken, isTokenText, newToken } from './token-text.ts';

describeOnEachEngine('API tokens', (database) => {
  let clock: TestContext;
  /** Callers are named. */
  let named: GraphCaller & { id: string };
  let context: TestContext;
  let namedApplication: FastifyInstance;
  /** Callers have tokens. */
  let application: FastifyInstance;

  beforeAll(async () => {
    clock = new TestContext(database());
    context = clock;
    await ensureBuiltInRoles(database());
    await makeScopeTags(database(), '7', '8');
    namedApplication = await testApplication(context, registerRoutes);
    named = await makeCaller('named');
    const real = { ...context, authenticate: authenticator(database(), context.now) } as TestContext;
    application = await testApplication(real, registerRoutes);
  });

  /** A caller with an account, who may do everything. */
  const makeCaller = async (userName: string) => {
    const id = await makeAccount(clock, userName);
    clock.letInWith(id, ...permissions);
    return Object.assign(new GraphCaller(namedApplication, id), { id });
  };
  const make = async (further = {}, caller: GraphCaller = named) => {
    const { status, body } = await caller.post('/api/v1/tokens', {
      displayName: 'script',
      roleId: 'administrator',
      ...further,
    });
    expect(status).toBe(201);
    return body as { id: string; token: string; expiresDateTime: string };
  };
  const with_ = (token: string) => new GraphCaller(application, token);
  const statusOf = async (token: string) => (await with_(token).get('/api/v1/tokens')).status;

  test('a token is shown once, and its hash is all that is kept', async () => {
    const { id, token } = await make();
    const row = await database()
      .tables.selectFrom('api_tokens')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    expect(row).toMatchObject({ hash: hashToken(token), hint: token.slice(-4) });
    const everywhere = JSON.stringify([
      row,
      (await named.get(`/api/v1/tokens/${id}`)).body,
      (await named.get('/api/v1/tokens')).body,
      await database().tables.selectFrom('audit_entries').selectAll().where('object_id', '=', id).execute(),
    ]);
    expect(everywhere).toContain(id);
    expect(everywhere).not.toContain(token.slice(0, 30));
    expect(Object.keys((await named.get(`/api/v1/tokens/${id}`)).body)).not.toContain('hash');
  });

  test('a token lets in until it is revoked, and what it does is written down in its name', async () => {
    const { id, token } = await make({ displayName: 'deployment' });
    const { body } = await with_(token).post('/api/v1/roles', {
      displayName: `By token ${database().engine}`,
      permissions: ['Culvert_Audit_Read'],
    });
    const entry = await named.get(`/api/v1/auditEntries?$filter=objectId eq '${body.id}'`);
    expect(entry.body.value).toMatchObject([
      { actorKind: 'token', actorId: id, actorName: 'deployment', address: '127.0.0.1' },
    ]);
    expect((await named.get(`/api/v1/tokens/${id}`)).body.lastUsedDateTime).toMatch(/^2026-/);
    expect((await named.delete(`/api/v1/tokens/${id}`)).status).toBe(204);
    expect(await statusOf(token)).toBe(401);
    const again = await named.delete(`/api/v1/tokens/${id}`);
    expect([again.status, again.body.error.message]).toEqual([404, `there is no API token ${id} in force`]);
    expect((await named.get(`/api/v1/tokens/${id}`)).body.revokedDateTime).toMatch(/^2026-/);
  });

  test('a token ends by itself', async () => {
    const { id, token, expiresDateTime } = await make({ expiresIn: '1m' });
    expect(await statusOf(token)).toBe(200);
    expect(Date.parse(expiresDateTime) - clock.now().getTime()).toBeLessThanOrEqual(60_000);
    const ended = new Date(clock.now().getTime() - 1).toISOString();
    await database()
      .tables.updateTable('api_tokens')
      .set({ expires_at: ended })
      .where('id', '=', id)
      .execute();
    expect(await statusOf(token)).toBe(401);
  });

  test.each(['disabled', 'deleted'])('a token ends with its maker: %s', async (how) => {
    const maker = await makeCaller(`maker-${how}`);
    const first = await make({}, maker);
    const second = await make({}, with_(first.token));
    expect([await statusOf(first.token), await statusOf(second.token)]).toEqual([200, 200]);
    const account = `/api/v1/accounts/${maker.id}`;
    const done =
      how === 'deleted' ? await named.delete(account) : await named.patch(account, { isEnabled: false });
    expect(done.status).toBeLessThan(300);
    expect([await statusOf(first.token), await statusOf(second.token)]).toEqual([401, 401]);
    for (const { id } of [first, second]) {
      const { body } = await named.get(`/api/v1/tokens/${id}`);
      expect([body.createdByAccountId, body.revokedDateTime]).toEqual([
        maker.id,
        expect.stringMatching(/^2026-/),
      ]);
      const written = `action eq 'apiToken.revoke' and objectId eq '${id}'`;
      const entries = await named.get(`/api/v1/auditEntries?$filter=${written}`);
      expect(entries.body.value).toMatchObject([{ actorId: named.id }]);
    }
  });

  test('a token waits while its maker cannot sign in, and one of the command line has no maker', async () => {
    const maker = await makeCaller('away');
    const { token } = await make({}, maker);
    const { tables } = database();
    await tables.updateTable('accounts').set({ is_enabled: 0 }).where('id', '=', maker.id).execute();
    expect(await statusOf(token)).toBe(401);
    await tables.updateTable('accounts').set({ is_enabled: 1 }).where('id', '=', maker.id).execute();
    expect(await statusOf(token)).toBe(200);
    await tables.deleteFrom('accounts').where('id', '=', maker.id).execute();
    expect(await statusOf(token)).toBe(401);
    const wanted = { displayName: 'x', roleId: 'administrator', scopeTagIds: undefined, lifetime: 60_000 };
    const made = await createToken(tables, wanted, { kind: 'system', name: 'command line' }, clock.now());
    expect(await statusOf(made.token)).toBe(200);
  });

  test('a token sees what is in its scope, with the permissions that its role has now', async () => {
    const configuration = await named.post('microsoftTunnelConfigurations', {
      displayName: 'c',
      network: '10.70.0.0/16',
    });
    for (const tag of ['7', '8'])
      await named.post('microsoftTunnelSites', {
        ...siteExample(configuration.body.id),
        displayName: `tag ${tag}`,
        roleScopeTagIds: [tag],
      });
    const role = await named.post('/api/v1/roles', {
      displayName: `Changing ${database().engine}`,
      permissions: ['Microsoft.Intune_MicrosoftTunnelGateway_Read'],
    });
    const { token } = await make({ roleId: role.body.id, scopeTagIds: ['7'] });
    const seen = await with_(token).get(
      "microsoftTunnelSites?$count=true&$filter=startswith(displayName,'tag')",
    );
    expect(seen.body).toMatchObject({ '@odata.count': 1, value: [{ displayName: 'tag 7' }] });
    await named.patch(`/api/v1/roles/${role.body.id}`, { permissions: ['Culvert_Audit_Read'] });
    expect((await with_(token).get('microsoftTunnelSites')).status).toBe(403);
  });

  test('nobody makes a token that is stronger than themselves', async () => {
    clock.letInWith('maker', 'Culvert_Tokens_Create', 'Culvert_Tokens_Read');
    const maker = new GraphCaller(await testApplication(clock, registerRoutes), 'maker');
    const refused = await maker.post('/api/v1/tokens', { displayName: 'x', roleId: 'administrator' });
    expect([refused.status, refused.body.error.details[0].target]).toEqual([400, 'roleId']);
    const role = await named.post('/api/v1/roles', {
      displayName: `Of tokens ${database().engine}`,
      permissions: ['Culvert_Tokens_Read'],
    });
    expect((await maker.post('/api/v1/tokens', { displayName: 'x', roleId: role.body.id })).status).toBe(201);
  });

  test('every mistake in a new token is told, with its field', async () => {
    const { status, body } = await named.post('/api/v1/tokens', {
      roleId: 5,
      scopeTagIds: [],
      expiresIn: '2y',
      colour: 'blue',
    });
    expect(status).toBe(400);
    expect(body.error.details.map(({ target }: { target: string }) => target).sort()).toEqual([
      'colour',
      'displayName',
      'expiresIn',
      'roleId',
      'scopeTagIds',
    ]);
    const unknown = await named.post('/api/v1/tokens', {
      displayName: 'x',
      roleId: 'nothing',
      scopeTagIds: ['7', '555'],
    });
    expect(unknown.body.error.details).toMatchObject([
      { target: 'roleId', message: expect.stringContaining('GET /api/v1/roles lists them') },
      { target: 'scopeTagIds[1]', message: expect.stringContaining('roleScopeTags lists them') },
    ]);
  });

  test.each([
    ['no header', undefined],
    ['another scheme', 'Basic YTpi'],
    ['an empty token', 'Bearer '],
    ['a token of somebody who guesses', `Bearer ${newToken()}`],
    ['a token with a typing error', `Bearer ${newToken().slice(0, -1)}_`],
    ['a token that is very long', `Bearer culvert_${'a'.repeat(10_000)}`],
  ])('%s: refused, with how to sign in', async (_name, authorization) => {
    const response = await application.inject({
      url: '/api/v1/tokens',
      headers: authorization === undefined ? {} : { authorization },
    });
    expect([response.statusCode, response.headers['www-authenticate']]).toEqual([401, 'Bearer']);
    expect(response.json().error.code).toBe('InvalidAuthenticationToken');
  });
});

describe('the text of a token', () => {
  test('is told from every text that differs in one letter', () => {
    const token = newToken();
    expect(isTokenText(token)).toBe(true);
    fc.assert(
      fc.property(fc.nat(token.length - 1), fc.constantFrom(...'aZ09-_.'), (place, letter) => {
        fc.pre(token[place] !== letter);
        expect(isTokenText(token.slice(0, place) + letter + token.slice(place + 1))).toBe(false);
      }),
    );
  });

  test('no other text is taken for one', () => {
    fc.assert(fc.property(fc.string(), (text) => !isTokenText(text) && !isTokenText(`culvert_${text}`)));
  });
});

describe('a duration', () => {
  test.each([
    ['30m', 1_800_000],
    ['12h', 43_200_000],
    ['365d', 31_536_000_000],
    ['8760h', 31_536_000_000],
  ])('%s is read', (text, milliseconds) => {
    expect(parseDuration(text)).toBe(milliseconds);
  });

  test.each(['', '0m', '1', 'm', '1.5h', '-1h', '366d', '1h30m', ' 1h', '1H', '1w', '9999999m'])(
    '"%s" is refused',
    (text) => {
      expect(parseDuration(text)).toBeUndefined();
    },
  );
});
