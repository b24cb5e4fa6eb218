import { WorkLimit } from '@culvert/passwords/work-limit.ts';
import type { FastifyInstance } from 'fastify';
import { serializerCompiler } from 'fastify-type-provider-zod';
import pino from 'pino';
import { controlPlaneConfigurationSchema } from '../configuration/control-plane-configuration.ts';
import type { Context } from '../context.ts';
import type { Database } from '../database/open.ts';
import { createApplication } from '../http/application.ts';
import type { Caller, Grant } from '../permissions/caller.ts';
import { type Permission, permissions } from '../permissions/permissions.ts';
import { SecretBox } from '../secrets/secret-box.ts';

/** A context over a database of a test; the token of a request names its caller. */
export class TestContext implements Context {
  readonly configuration = controlPlaneConfigurationSchema.parse({
    publicUrl: 'https://control.test:8443',
    stateDirectory: '/nonexistent',
  });
  readonly logger = pino({ level: 'silent' });
  readonly secrets = new SecretBox(Buffer.alloc(32, 1));
  readonly passwordWork = new WorkLimit({ concurrent: 2, waiting: 100 });
  readonly database: Database;
  #time = Date.parse('2026-11-24T09:00:00.000Z');
  readonly #callers = new Map<string, Caller>();

  constructor(database: Database) {
    this.database = database;
    this.letIn('administrator', { permissions: new Set(permissions), scopeTagIds: 'all' });
  }

  /** Every look at the clock is a millisecond later. */
  readonly now = (): Date => new Date(this.#time++);

  /** Moves the clock on. */
  pass(milliseconds: number): void {
    this.#time += milliseconds;
  }

  /** Makes `Bearer NAME` a caller with these grants. */
  letIn(name: string, ...grants: Grant[]): void {
    this.#callers.set(name, { actor: { kind: 'user', id: name, name }, grants });
  }

  /** Makes `Bearer NAME` a caller with these permissions over everything. */
  letInWith(name: string, ...granted: Permission[]): void {
    this.letIn(name, { permissions: new Set(granted), scopeTagIds: 'all' });
  }

  readonly authenticate: Context['authenticate'] = async ({ headers }) =>
    this.#callers.get(headers.authorization?.replace(/^Bearer /, '') ?? '');
}

/** An application with only these routes, spoken to with `inject`. */
export async function testApplication(
  context: Context,
  ...routes: ((application: FastifyInstance, context: Context) => unknown)[]
): Promise<FastifyInstance> {
  const application = (await createApplication(context)) as unknown as FastifyInstance;
  application.setSerializerCompiler(serializerCompiler);
  for (const register of routes) await register(application, context);
  await application.ready();
  return application;
}
