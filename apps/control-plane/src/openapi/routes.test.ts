import { beforeAll, expect, test } from 'vitest';
import { collectRoutes, type KnownRoute } from '../proof/routes.ts';
import { registerRoutes } from '../routes.ts';
import { TestContext, testApplication } from '../testing/application.ts';
import { describeOnEachEngine } from '../testing/databases.ts';
import { tags } from './tags.ts';

interface Operation {
  summary?: string;
  tags: string[];
  security?: unknown[];
  parameters?: { in: string; name: string }[];
  responses: Record<string, { content?: Record<string, { schema: { $ref?: string } }>; headers: object }>;
}

describeOnEachEngine('the OpenAPI document', (database) => {
  const routes: KnownRoute[] = [];
  let operations: { path: string; method: string; operation: Operation }[];
  let document: { openapi: string; components: { schemas: Record<string, unknown> } };
  let page: { statusCode: number; headers: Record<string, unknown> };

  beforeAll(async () => {
    const application = await testApplication(
      new TestContext(database()),
      collectRoutes(routes),
      registerRoutes,
    );
    const { paths, ...rest } = (await application.inject({ url: '/openapi.json' })).json();
    document = rest;
    operations = Object.entries<Record<string, Operation>>(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
    );
    page = await application.inject({ url: '/api/docs/' });
  });

  test('describes every route of the API, and is shown as a page', () => {
    expect(document.openapi).toBe('3.1.0');
    const described = operations.map(({ path, method }) => `${method.toUpperCase()} ${path}`);
    const registered = routes
      .filter(
        ({ method, url }) =>
          method !== 'HEAD' && url !== '/openapi.json' && !/^\/(api\/docs|openid)/.test(url),
      )
      .map(({ method, url }) => `${method} ${url.replace(/:(\w+)/g, '{$1}')}`);
    expect(described.sort()).toEqual(registered.sort());
    expect([page.statusCode, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
  });

  test('has a summary for each operation, and words for each tag', () => {
    expect(operations.filter(({ operation }) => operation.summary === undefined)).toEqual([]);
    const known = tags.map(({ name }) => name);
    const used = new Set(operations.flatMap(({ operation }) => operation.tags));
    expect([...used].filter((tag) => !known.includes(tag))).toEqual([]);
  });

  test('names for each operation how it can be refused, always with the same body', () => {
    expect(document.components.schemas.Error).toBeDefined();
    for (const { path, method, operation } of operations) {
      const seen = `${method} ${path}`;
      const route = routes.find(
        (one) => one.method === method.toUpperCase() && one.url.replace(/:(\w+)/g, '{$1}') === path,
      );
      const isPublic = route?.access === 'public';
      expect(operation.security, seen).toEqual(isPublic ? [] : undefined);
      const expected = ['400', '500', '503'];
      if (!isPublic) expected.push('401', '403');
      if (path.includes('{')) expected.push('404');
      if (method !== 'get') expected.push('409', '413', '415', '507');
      if (['patch', 'put', 'delete'].includes(method)) {
        expected.push('412');
        expect(operation.parameters, seen).toContainEqual(expect.objectContaining({ name: 'If-Match' }));
      }
      const refusals = Object.keys(operation.responses).filter((status) => Number(status) >= 400);
      expect(refusals, seen).toEqual(expect.arrayContaining(expected));
      for (const status of refusals) {
        const { content } = operation.responses[status] ?? {};
        expect(content?.['application/json']?.schema.$ref, seen).toBe('#/components/schemas/Error');
      }
      expect(
        Object.keys(operation.responses).some((status) => status.startsWith('2')),
        seen,
      ).toBe(true);
    }
  });

  test('holds no trace of how it was made', () => {
    expect(JSON.stringify([document, operations])).not.toMatch(/x-culvert|Default Response/);
  });
});
