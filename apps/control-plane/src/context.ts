import type { WorkLimit } from '@culvert/passwords/work-limit.ts';
import type { FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import type { ControlPlaneConfiguration } from './configuration/control-plane-configuration.ts';
import type { Database } from './database/open.ts';
import type { Caller } from './permissions/caller.ts';
import type { SecretBox } from './secrets/secret-box.ts';

/** What the routes are given. Made once for the process, and by tests. */
export interface Context {
  readonly configuration: ControlPlaneConfiguration;
  readonly database: Database;
  readonly secrets: SecretBox;
  readonly logger: Logger;
  readonly now: () => Date;
  /** Hashing of passwords, which takes a core and 19 MiB each, goes through here. */
  readonly passwordWork: WorkLimit;
  /** Who sends the request; undefined when it carries no token or one that is not valid. */
  readonly authenticate: (request: FastifyRequest) => Promise<Caller | undefined>;
}
