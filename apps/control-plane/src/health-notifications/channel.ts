import type { Selectable } from 'kysely';
import type { OverallStatus } from '../health-status/overall.ts';
import type { Language } from '../health-status/words.ts';
import type { SecretBox } from '../secrets/secret-box.ts';
import type { NotificationTables } from './tables.ts';

export interface WebhookTarget {
  kind: 'webhook';
  url: string;
  secret: string;
  authority: string | undefined;
}

export interface MailTarget {
  kind: 'mail';
  host: string;
  port: number;
  security: 'tls' | 'startTls' | 'none';
  credentials: { user: string; password: string } | undefined;
  from: string;
  to: readonly string[];
  authority: string | undefined;
}

/** Whom to tell, with everything that is needed to do so. */
export interface Channel {
  id: string;
  displayName: string;
  language: Language;
  statuses: readonly OverallStatus[];
  target: WebhookTarget | MailTarget;
}

export type ChannelRow = Selectable<NotificationTables['notification_channels']>;

const usualPorts = { tls: 465, startTls: 587, none: 25 } as const;

/** The channel of a row, with its secret opened. */
export function channelOf(row: ChannelRow, secrets: SecretBox): Channel {
  const { id, display_name: displayName, language } = row;
  const statuses = JSON.parse(row.statuses) as OverallStatus[];
  const authority = row.authority ?? undefined;
  const opened = row.secret === null ? undefined : secrets.open(row.secret, purposeOf(row));
  const base = { id, displayName, language, statuses };
  if (row.kind === 'webhook') {
    return { ...base, target: { kind: 'webhook', url: row.url ?? '', secret: opened ?? '', authority } };
  }
  const security = row.security ?? 'tls';
  const hasCredentials = row.user_name !== null && opened !== undefined;
  return {
    ...base,
    target: {
      kind: 'mail',
      host: row.host ?? '',
      port: row.port ?? usualPorts[security],
      security,
      credentials: hasCredentials ? { user: row.user_name ?? '', password: opened } : undefined,
      from: row.sender ?? '',
      to: JSON.parse(row.recipients ?? '[]') as string[],
      authority,
    },
  };
}

/** A password opens for its mail server only, so that it is never sent to another one. A webhook's secret is sent nowhere. */
export function purposeOf({ kind, host }: { kind: string; host?: string | null }): string {
  return kind === 'mail' ? `mail password for ${host}` : 'webhook secret';
}
