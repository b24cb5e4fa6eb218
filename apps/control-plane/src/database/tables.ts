import type { AccountTables } from '../accounts/tables.ts';
import type { AgentAuthorityTables } from '../agent-authority/tables.ts';
import type { AuditTables } from '../audit/table.ts';
import type { CommandTables } from '../commands/tables.ts';
import type { DesiredConfigurationTables } from '../desired-configuration/tables.ts';
import type { HealthHistoryTables } from '../health-history/tables.ts';
import type { NotificationTables } from '../health-notifications/tables.ts';
import type { HealthStatusTables } from '../health-status/tables.ts';
import type { HealthThresholdTables } from '../health-thresholds/entity.ts';
import type { IdentityProviderTables } from '../identity-providers/tables.ts';
import type { JoinTokenTables } from '../join-tokens/tables.ts';
import type { LogCollectionTables } from '../log-collections/entity.ts';
import type { OpenIdTables } from '../openid/tables.ts';
import type { LeaseTables } from '../periodic-work/table.ts';
import type { ReleaseTables } from '../releases/entity.ts';
import type { RoleTables } from '../roles/tables.ts';
import type { ScopeTagTables } from '../scope-tags/entity.ts';
import type { ServerConfigurationTables } from '../server-configurations/entity.ts';
import type { ServerTables } from '../servers/tables.ts';
import type { SettingsTables } from '../settings/table.ts';
import type { SiteTables } from '../sites/entity.ts';
import type { TokenTables } from '../tokens/tables.ts';
import type { UpgradeTables } from '../upgrades/tables.ts';

/**
 * Every table of the database, put together from the folders that own them. Columns are text, integer or real only,
 * so that both engines hold and order them alike: times are ISO 8601 text in UTC with milliseconds, truth values are 0
 * and 1, lists and objects are JSON text, identifiers are UUIDs.
 */
export interface Tables
  extends AccountTables,
    AgentAuthorityTables,
    AuditTables,
    CommandTables,
    DesiredConfigurationTables,
    HealthHistoryTables,
    HealthStatusTables,
    HealthThresholdTables,
    LeaseTables,
    IdentityProviderTables,
    JoinTokenTables,
    LogCollectionTables,
    NotificationTables,
    OpenIdTables,
    ReleaseTables,
    RoleTables,
    ScopeTagTables,
    ServerConfigurationTables,
    ServerTables,
    SettingsTables,
    SiteTables,
    TokenTables,
    UpgradeTables {}
