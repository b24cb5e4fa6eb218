import { type EntitySet, ownBase } from '../graph/entity-set.ts';

export const commandStates = ['waiting', 'sent', 'done', 'failed', 'expired'] as const;

export const commands: EntitySet = {
  table: 'server_commands',
  base: ownBase,
  path: 'commands',
  entity: {
    name: 'serverCommand',
    fields: {
      id: { type: 'string', column: 'id', isExact: true },
      kind: { type: 'string', column: 'kind' },
      order: { type: 'complex', column: 'command_order' },
      state: { type: 'enum', column: 'state', members: commandStates },
      detail: { type: 'string', column: 'detail', isNullable: true },
      createdBy: { type: 'string', column: 'created_by' },
      createdDateTime: { type: 'dateTimeOffset', column: 'created_at' },
      expiresDateTime: { type: 'dateTimeOffset', column: 'expires_at' },
      sentDateTime: { type: 'dateTimeOffset', column: 'sent_at', isNullable: true },
      finishedDateTime: { type: 'dateTimeOffset', column: 'finished_at', isNullable: true },
    },
    navigation: {},
  },
};
