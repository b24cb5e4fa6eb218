import type { EntityType } from '../odata/entity-type.ts';

/** A kind of object and where it is kept. */
export interface EntitySet {
  entity: EntityType;
  table:
    | 'server_configurations'
    | 'sites'
    | 'servers'
    | 'health_thresholds'
    | 'server_log_collections'
    | 'roles'
    | 'role_assignments'
    | 'api_tokens'
    | 'audit_entries'
    | 'scope_tags'
    | 'accounts'
    | 'identity_providers'
    | 'notification_channels'
    | 'sign_in_sessions'
    | 'join_tokens'
    | 'server_commands'
    | 'releases'
    | 'upgrades';
  /** Where its objects are: below Graph's base, or below our own. */
  base: typeof graphBase | typeof ownBase;
  path: string;
}

export const graphBase = '/graph/beta/deviceManagement';

/** For what the original has no shape for. */
export const ownBase = '/api/v1';
