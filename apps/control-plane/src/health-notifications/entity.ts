import { type EntitySet, ownBase } from '../graph/entity-set.ts';
import { overallStatuses } from '../health-status/overall.ts';
import { languages } from '../health-status/words.ts';

export const channelKinds = ['webhook', 'mail'] as const;
export const securities = ['tls', 'startTls', 'none'] as const;

/** What callers see of a channel: never its secret. */
export const notificationChannels: EntitySet = {
  table: 'notification_channels',
  base: ownBase,
  path: 'notificationChannels',
  entity: {
    name: 'notificationChannel',
    fields: {
      id: { type: 'string', column: 'id', isExact: true },
      displayName: { type: 'string', column: 'display_name' },
      kind: { type: 'enum', column: 'kind', members: channelKinds },
      isEnabled: { type: 'boolean', column: 'is_enabled' },
      language: { type: 'enum', column: 'language', members: languages },
      statuses: { type: 'stringCollection', column: 'statuses' },
      url: { type: 'string', column: 'url', isNullable: true },
      host: { type: 'string', column: 'host', isNullable: true },
      port: { type: 'int32', column: 'port', isNullable: true },
      security: { type: 'enum', column: 'security', members: securities, isNullable: true },
      user: { type: 'string', column: 'user_name', isNullable: true },
      from: { type: 'string', column: 'sender', isNullable: true },
      to: { type: 'stringCollection', column: 'recipients', isNullable: true },
      authority: { type: 'string', column: 'authority', isNullable: true },
      hasSecret: { type: 'boolean', column: 'has_secret' },
      lastDeliveryDateTime: { type: 'dateTimeOffset', column: 'last_delivery_at', isNullable: true },
      lastError: { type: 'string', column: 'last_error', isNullable: true },
      lastErrorDateTime: { type: 'dateTimeOffset', column: 'last_error_at', isNullable: true },
    },
    navigation: {},
  },
};

/** Statuses that a channel is told of unless it says otherwise: what passes by itself is left out. */
export const toldByDefault = overallStatuses.filter(
  (status) => status !== 'unknown' && status !== 'upgradeInProgress',
);
