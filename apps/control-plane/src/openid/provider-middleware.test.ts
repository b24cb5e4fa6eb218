import type { KoaContextWithOIDC } from 'oidc-provider';
import { expect, test } from 'vitest';
import { tellFailures } from './provider-middleware.ts';

test('when the database does not answer, a program is told to come back', async () => {
  const headers: Record<string, string> = {};
  const answered = async (failure: unknown) => {
    const ctx = {
      status: 200,
      state: {},
      set: (name: string, value: string) => {
        headers[name] = value;
      },
    };
    await tellFailures({ now: () => new Date() })(ctx as unknown as KoaContextWithOIDC, async () => {
      ctx.status = 500;
      ctx.state = { failure };
    });
    return ctx.status;
  };
  expect(await answered(new Error('a mistake of ours'))).toBe(500);
  expect(headers).toEqual({});
  expect(await answered(Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }))).toBe(503);
  expect(headers).toEqual({ 'retry-after': '5' });
});
