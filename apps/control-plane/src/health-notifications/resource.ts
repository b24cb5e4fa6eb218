import type { Finding } from '@culvert/contracts';
import type { z } from 'zod';
import type { GraphObject } from '../graph/conversion.ts';
import type { Change, Resource, StoredColumns } from '../graph/resource.ts';
import type { StoredRow } from '../graph/tables.ts';
import { purposeOf } from './channel.ts';
import { channelSchema } from './channel-schema.ts';
import { notificationChannels } from './entity.ts';

/** Channels are settings of the whole control plane; scope tags do not matter. */
export const channelResource: Resource = {
  set: notificationChannels,
  access: {
    read: 'Culvert_Settings_Read',
    create: 'Culvert_Settings_Update',
    update: 'Culvert_Settings_Update',
    delete: 'Culvert_Settings_Update',
  },
  isScoped: false,
  title: 'notification channel',
  schema: channelSchema as unknown as z.ZodType<GraphObject>,
  readOnly: ['id', 'hasSecret', 'lastDeliveryDateTime', 'lastError', 'lastErrorDateTime'],
  documentation: {
    example: {
      displayName: 'Operations',
      kind: 'mail',
      host: 'smtp.example.com',
      security: 'startTls',
      from: 'culvert@example.com',
      to: ['operations@example.com'],
    },
  },
  split: (body) => ({ properties: body, references: body }),
  columns: async (change, body, row, written) => secretColumns(change, body, row, written),
  warnings: () => [],
  requireUnused: async () => {},
};

type Columns = { ok: true; value: StoredColumns } | { ok: false; problems: readonly Finding[] };

/** A secret that is not given stays; one that was for another mail server must be given again. */
function secretColumns(
  { context: { secrets } }: Change,
  body: GraphObject,
  row: StoredRow | undefined,
  written: GraphObject | undefined,
): Columns {
  // A channel that is refused anyway gets no secret.
  if (written === undefined) return { ok: true, value: {} };
  const kind = String(written.kind);
  const host = typeof written.host === 'string' ? written.host : null;
  const name = kind === 'mail' ? 'password' : 'secret';
  const given = body[name];
  if (typeof given === 'string') {
    const sealed = secrets.seal(given, purposeOf({ kind, host }));
    return { ok: true, value: { secret: sealed, has_secret: 1 } };
  }
  const keeps = given !== null && row !== undefined && row.has_secret === 1 && row.kind === kind;
  if (keeps && (kind !== 'mail' || row.host === host)) return { ok: true, value: {} };
  if (keeps) {
    const message = 'give the password again, because it was for another mail server; null takes it away';
    return { ok: false, problems: [{ path: name, message }] };
  }
  if (kind === 'webhook') {
    return { ok: false, problems: [{ path: name, message: 'is needed for the kind webhook' }] };
  }
  if (typeof written.user === 'string') {
    return { ok: false, problems: [{ path: name, message: 'is needed beside user' }] };
  }
  return { ok: true, value: { secret: null, has_secret: 0 } };
}
