import fc from 'fast-check';
import type { FastifyInstance } from 'fastify';
import { beforeAll, expect, test } from 'vitest';
import { errorSchema } from '../http/errors.ts';
import { registerRoutes } from '../routes.ts';
import { TestContext, testApplication } from '../testing/application.ts';
import { describeOnEachEngine } from '../testing/databases.ts';
import { collectRoutes, exampleUrl, type KnownRoute } from './routes.ts';

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'QUERY', 'PROPFIND'];
const names = [
  '$filter',
  '$orderby',
  '$top',
  '$skip',
  '$count',
  '$select',
  '$expand',
  '$skiptoken',
  'from',
  'to',
  'expires',
  'signature',
];
const identifiers = ['cpuUsage', 'administrator', '019ab000-0000-7000-8000-000000000000'];
/** Texts that mean something to a parser on the way: of addresses, OData, SQL, JSON. */
const sharp = fc.constantFrom(
  ...[
    "'",
    '"',
    '%',
    '%00',
    '%c3',
    '\\',
    '/',
    '//',
    '..',
    '$ref',
    'null',
    '1e400',
    '[]',
    '{}',
    '*',
    ';',
    '--',
  ],
  ...[
    "x' or 'a'='a",
    "displayName eq 'x'",
    'id desc',
    'W/"x"',
    '__proto__',
    'constructor',
    '\u0000',
    '\ud800',
  ],
  ...['9'.repeat(30), '-1', '2026-13-45T99:99:99Z', 'a'.repeat(300), '(('.repeat(60), '東京', '💥'],
);
const text = fc.oneof(sharp, fc.string({ unit: 'binary', maxLength: 40 }), fc.constantFrom(...identifiers));
const escaped = text.map((part) => encodeURIComponent(part.toWellFormed()));
const json = fc.oneof(
  fc.json(),
  fc.object().map((value) => JSON.stringify(value)),
);

describeOnEachEngine('a hostile request', (database) => {
  const routes: KnownRoute[] = [];
  let application: FastifyInstance;

  beforeAll(async () => {
    application = await testApplication(new TestContext(database()), collectRoutes(routes), registerRoutes);
  });

  /** The answer to a refusal is always the same kind of body. */
  const ask = async (request: {
    method: string;
    url: string;
    headers?: Record<string, string>;
    body?: Uint8Array | string | undefined;
  }) => {
    const response = await application.inject({
      method: request.method as 'GET',
      url: request.url,
      headers: { authorization: 'Bearer administrator', ...request.headers },
      ...(request.body === undefined ? {} : { payload: Buffer.from(request.body) }),
    });
    const seen = `${request.method} ${request.url}: ${response.statusCode} ${response.body.slice(0, 500)}`;
    expect(response.statusCode, seen).toBeLessThan(500);
    expect(response.headers['request-id'], seen).toMatch(/^[0-9a-f-]{36}$/);
    if (response.statusCode < 400 || request.method === 'HEAD') return response.statusCode;
    // Pages for people are refused with a page, and OpenID has errors of its own (RFC 6749 §5.2).
    if (/^\/+openid\//.test(request.url)) return response.statusCode;
    expect(response.headers['content-type'], seen).toBe('application/json; charset=utf-8');
    const { error } = errorSchema.parse(JSON.parse(response.body));
    expect(error.innerError['request-id']).toBe(response.headers['request-id']);
    expect(error.message.length, seen).toBeGreaterThan(0);
    return response.statusCode;
  };

  test('any address, method and body: refused with the body of an error', { timeout: 60_000 }, async () => {
    const url = fc.oneof(
      fc.webPath(),
      fc
        .array(fc.oneof(escaped, sharp), { maxLength: 6 })
        .map((parts) => `/${parts.join('/').replace(/[\s#]/g, '')}`),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...methods),
        url,
        fc.option(fc.uint8Array()),
        async (method, path, body) => {
          // `inject` cannot send everything; the raw connections of graph-client.test.ts can.
          fc.pre(URL.canParse(path, 'http://localhost'));
          await ask({
            method,
            url: path === '' ? '/' : path.toWellFormed(),
            body: method === 'GET' ? undefined : (body ?? undefined),
          });
        },
      ),
      { numRuns: 300 },
    );
  });

  test('any query and path of any route: answered, or refused with the body of an error', {
    timeout: 60_000,
  }, async () => {
    const known = routes.filter(({ method }) => method === 'GET' || method === 'DELETE');
    await fc.assert(
      fc.asyncProperty(
        fc.nat(known.length - 1),
        fc.array(fc.oneof(escaped, fc.constantFrom(...identifiers)), { minLength: 3, maxLength: 3 }),
        fc.array(fc.tuple(fc.oneof(fc.constantFrom(...names), escaped), fc.oneof(escaped, sharp)), {
          maxLength: 4,
        }),
        async (index, parts, pairs) => {
          const route = known[index] as KnownRoute;
          let place = 0;
          const path = route.url.replace(/:\w+/g, () => parts[place++] ?? '');
          const query = pairs.map(([name, value]) => `${name}=${value.replace(/[\s#&]/g, '')}`).join('&');
          await ask({ method: route.method, url: `${path}?${query}`.toWellFormed() });
        },
      ),
      { numRuns: 400 },
    );
  });

  test('any body of any route: taken, or refused with the body of an error', {
    timeout: 60_000,
  }, async () => {
    const changing = routes.filter(({ method }) => /^(POST|PUT|PATCH)$/.test(method));
    const type = fc.constantFrom(
      'application/json',
      'application/json; charset=latin1',
      'text/plain',
      'x',
      '',
    );
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      json,
      fc.constantFrom('{"a":1e999}', '"\\ud800"', '\ufeff{}'),
    );
    await fc.assert(
      fc.asyncProperty(fc.nat(changing.length - 1), type, bytes, async (index, contentType, body) => {
        const route = changing[index] as KnownRoute;
        const headers = { 'content-type': contentType, 'if-match': '*' };
        await ask({ method: route.method, url: exampleUrl(route), headers, body });
      }),
      { numRuns: 300 },
    );
  });

  test('any property of an object with any value: taken, or refused with its field', {
    timeout: 60_000,
  }, async () => {
    const bases = {
      '/graph/beta/deviceManagement/microsoftTunnelConfigurations': {
        displayName: 'x',
        network: '10.0.0.0/8',
      },
      '/graph/beta/deviceManagement/microsoftTunnelSites': {
        displayName: 'x',
        publicAddress: 'vpn.example.com',
      },
      '/api/v1/roles': { displayName: 'x', permissions: ['Culvert_Audit_Read'] },
      '/api/v1/roleAssignments': { roleId: 'administrator', memberKind: 'account', member: 'x' },
      '/api/v1/tokens': { displayName: 'x', roleId: 'administrator' },
    };
    const property = fc.constantFrom(
      ...[
        'id',
        'displayName',
        'description',
        'network',
        'ipv6Network',
        'listenPort',
        'dnsServers',
        'splitDNS',
      ],
      ...[
        'routeIncludes',
        'routesInclude',
        'advancedSettings',
        'roleScopeTagIds',
        'scopeTagIds',
        'permissions',
      ],
      ...[
        'publicAddress',
        'upgradeWindowStartTime',
        'upgradeWindowTimeZone',
        'internalNetworkProbeUrl',
        'member',
      ],
      ...[
        'microsoftTunnelConfiguration',
        'microsoftTunnelConfiguration@odata.bind',
        '@odata.type',
        'expiresIn',
      ],
      ...['upgradeWindowUtcOffsetInMinutes', 'roleId', 'memberKind', 'isBuiltIn', 'upgradeAvailable'],
    );
    const value = fc.oneof(
      fc.jsonValue(),
      text.map((one) => one.toWellFormed()),
      fc.array(text),
      fc.double(),
      fc.maxSafeInteger(),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...Object.entries(bases)),
        property,
        value,
        async ([url, base], name, wrong) => {
          const headers = { 'content-type': 'application/json' };
          await ask({ method: 'POST', url, headers, body: JSON.stringify({ ...base, [name]: wrong }) });
        },
      ),
      { numRuns: 400 },
    );
  });

  test.each([
    ['a part of the address that is too long', `/api/v1/roles/${'a'.repeat(1_000)}`, 400],
    ['a percent sign without digits', '/api/v1/roles/%zz', 400],
    ['half of a letter', '/api/v1/roles/%c3', 400],
    ['a NUL character in the address', '/api/v1/roles/%00', 400],
    ['a path that climbs', '/api/docs/static/../../../../etc/passwd', 404],
    ['a path that climbs, written otherwise', '/api/docs/static/%2e%2e%2f%2e%2e%2fetc%2fpasswd', 404],
    ['the same option twice', '/api/v1/roles?$top=1&$top=2', 400],
  ])('%s: refused', async (_name, url, status) => {
    expect(await ask({ method: 'GET', url })).toBe(status);
  });
});
