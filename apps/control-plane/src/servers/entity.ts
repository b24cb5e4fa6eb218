import { deploymentModes } from '@culvert/contracts';
import { type EntitySet, graphBase } from '../graph/entity-set.ts';
import { overallStatuses } from '../health-status/overall.ts';

/** Members of `microsoftTunnelServerHealthStatus`: those that a server can have, and Graph's for those to come. */
export const healthStatuses = [...overallStatuses, 'unknownFutureValue'] as const;

/** `microsoftTunnelServer` (Graph beta). */
export const servers = {
  table: 'servers',
  base: graphBase,
  path: 'microsoftTunnelServers',
  entity: {
    name: 'microsoftTunnelServer',
    fields: {
      id: { type: 'string', column: 'id', isExact: true },
      displayName: { type: 'string', column: 'display_name' },
      tunnelServerHealthStatus: {
        type: 'enum',
        column: 'tunnel_server_health_status',
        members: healthStatuses,
      },
      lastCheckinDateTime: {
        type: 'dateTimeOffset',
        column: 'last_checkin_date_time',
        isNullable: true,
        isLeftOut: true,
      },
      agentImageDigest: { type: 'string', column: 'agent_image_digest', isNullable: true },
      serverImageDigest: { type: 'string', column: 'server_image_digest', isNullable: true },
      deploymentMode: { type: 'enum', column: 'deployment_mode', members: deploymentModes },
    },
    navigation: {},
  },
} as const satisfies EntitySet;
