import type { FastifyRequest } from 'fastify';
import type { Context } from '../context.ts';
import type { ApiError } from '../http/errors.ts';
import { recordAudit } from './record.ts';

const changes = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);
/** Somebody tried what they may not do, what cannot be now, or what somebody else had changed. Mistakes in a body are no attempt. */
const attempts = new Set<ApiError['code']>(['Forbidden', 'Conflict', 'PreconditionFailed']);

/** Writes a change that was refused into the audit log. Strangers leave nothing here: they could fill the disk. */
export async function recordRefusal(
  { database, now, logger }: Pick<Context, 'database' | 'now' | 'logger'>,
  { caller, method, routeOptions, params }: FastifyRequest,
  { code, message }: ApiError,
): Promise<void> {
  if (caller === undefined || !changes.has(method) || !attempts.has(code)) return;
  const { id } = (params ?? {}) as { id?: unknown };
  try {
    await recordAudit(
      database.tables,
      {
        actor: caller.actor,
        action: `${method} ${routeOptions.url ?? ''}`,
        ...(typeof id === 'string' ? { object: { kind: 'path', id, name: id } } : {}),
        outcome: 'failure',
        detail: message,
      },
      now(),
    );
  } catch (error) {
    // The caller is refused in any case, and is told so.
    logger.error({ err: error }, 'a refusal could not be written into the audit log');
  }
}
