import type { FastifyInstance } from 'fastify';
import { beforeAll, expect, test } from 'vitest';
import { type Permission, permissionName, permissions } from '../permissions/permissions.ts';
import { registerRoutes } from '../routes.ts';
import { TestContext, testApplication } from '../testing/application.ts';
import { describeOnEachEngine } from '../testing/databases.ts';
import { collectRoutes, exampleUrl, type KnownRoute } from './routes.ts';

/** Everything that strangers may ask for. An addition here is a decision. */
const publicRoutes = [
  '/api/docs',
  '/api/docs/json',
  '/api/docs/static/index.html',
  '/api/docs/static/*',
  '/api/docs/static/swagger-initializer.js',
  '/api/docs/yaml',
  '/api/v1/agentListener',
  '/api/v1/endpoints',
  '/api/v1/logDownloads/:id',
  '/downloads',
  '/downloads/:name',
  '/downloads/SHA256SUMS',
  '/livez',
  '/openapi.json',
  '/openid/*',
  '/openid/interaction/:uid',
  '/openid/interaction/:uid/upstream',
  '/openid/interaction/:uid/upstream/:provider',
  '/openid/style.css',
  '/openid/upstream/callback',
  '/readyz',
];

describeOnEachEngine('permissions of routes', (database) => {
  const routes: KnownRoute[] = [];
  let application: FastifyInstance;

  beforeAll(async () => {
    const context = new TestContext(database());
    for (const permission of permissions) context.letInWith(permission, permission);
    context.letIn('nothing');
    application = await testApplication(context, collectRoutes(routes), registerRoutes);
  });

  const ask = async (route: KnownRoute, token?: string) => {
    const { statusCode, headers, body } = await application.inject({
      method: route.method as 'GET',
      url: exampleUrl(route),
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    });
    return { status: statusCode, headers, message: messageOf(body) };
  };
  const name = ({ method, url }: KnownRoute) => `${method} ${url}`;
  const needsPermission = (route: KnownRoute): route is KnownRoute & { access: Permission } =>
    route.access !== undefined && route.access !== 'public' && route.access !== 'signedIn';

  test('strangers may use only these', () => {
    const open = routes.filter(({ access }) => access === 'public' || access === undefined);
    expect([...new Set(open.map(({ url }) => url))].sort()).toEqual([...publicRoutes].sort());
  });

  test('every other route asks a stranger to sign in', async () => {
    const guarded = routes.filter(({ access }) => access !== 'public');
    expect(guarded.length).toBeGreaterThan(40);
    for (const route of guarded) {
      for (const token of [undefined, 'somebody']) {
        const { status, headers } = await ask(route, token);
        expect([name(route), status, headers['www-authenticate']]).toEqual([name(route), 401, 'Bearer']);
      }
    }
  });

  test('with exactly its permission a route answers; with any other it refuses and names the one that is missing', async () => {
    for (const route of routes.filter(needsPermission)) {
      for (const permission of permissions) {
        const { status, message } = await ask(route, permission);
        const seen = `${name(route)} with ${permission}: ${status} ${message}`;
        if (permission === route.access) expect([401, 403], seen).not.toContain(status);
        else {
          expect(status, seen).toBe(403);
          // An answer to HEAD has no body.
          if (route.method === 'HEAD') continue;
          expect(message, seen).toContain(`"${permissionName(route.access)}" (${route.access})`);
        }
      }
    }
  });

  test('with all permissions but its own a route refuses', async () => {
    const context = new TestContext(database());
    for (const permission of permissions)
      context.letInWith(permission, ...permissions.filter((one) => one !== permission));
    const other = await testApplication(context, registerRoutes);
    for (const route of routes.filter(needsPermission)) {
      const { statusCode } = await other.inject({
        method: route.method as 'GET',
        url: exampleUrl(route),
        headers: { authorization: `Bearer ${route.access}` },
      });
      expect([name(route), statusCode]).toEqual([name(route), 403]);
    }
  });

  test('what needs only a sign-in asks for no permission', async () => {
    const signedIn = routes.filter(({ access }) => access === 'signedIn');
    expect(signedIn.length).toBeGreaterThan(0);
    for (const route of signedIn) {
      const { status, message } = await ask(route, 'nothing');
      expect([name(route), status === 401, message]).toEqual([
        name(route),
        false,
        expect.not.stringContaining('needs the permission'),
      ]);
    }
  });

  test('every permission opens something, unless its folder is not there yet', () => {
    const used = new Set(routes.map(({ access }) => access));
    const unused = permissions.filter((permission) => !used.has(permission));
    expect(unused.filter((permission) => !/_Sessions_/.test(permission))).toEqual([]);
  });
});

function messageOf(body: string): string {
  try {
    return JSON.parse(body)?.error?.message ?? '';
  } catch {
    return '';
  }
}
