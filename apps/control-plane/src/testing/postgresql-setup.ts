import { startPostgresql } from '@culvert/lab/database/postgresql.ts';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** URL of the database `postgres` of the server that all tests share. */
    postgresqlUrl: string;
  }
}

/** One PostgreSQL for the whole run; each test makes a database of its own in it. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const server = await startPostgresql();
  project.provide('postgresqlUrl', server.url('postgres'));
  return () => server.remove();
}
