import type { FastifyInstance } from 'fastify';
import { sql } from 'kysely';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { ApiError } from '../http/errors.ts';

const answer = z.object({ status: z.literal('ok') });

/** `/livez`: the process runs. `/readyz`: it can serve, the database included. */
export function registerHealth(application: FastifyInstance, { database }: Context): void {
  application.get(
    '/livez',
    {
      config: { access: 'public' },
      schema: { summary: 'The process runs', tags: ['Operations'], response: { 200: answer } },
    },
    async () => ({ status: 'ok' as const }),
  );
  application.get(
    '/readyz',
    {
      config: { access: 'public' },
      schema: {
        summary: 'The process can serve, the database included',
        tags: ['Operations'],
        response: { 200: answer },
      },
    },
    async () => {
      try {
        await sql`select 1`.execute(database.tables);
      } catch (cause) {
        throw new ApiError('ServiceUnavailable', 'the database does not answer', { retryAfter: 5, cause });
      }
      return { status: 'ok' as const };
    },
  );
}
