import type { FastifyInstance } from 'fastify';
import { registerAccounts } from './accounts/routes.ts';
import { registerSelfService } from './accounts/self-service.ts';
import { registerAudit } from './audit/routes.ts';
import type { Context } from './context.ts';
import { registerHealth } from './health/routes.ts';
import { registerNotificationChannels } from './health-notifications/routes.ts';
import { noReleases } from './health-status/release-distance.ts';
import { registerHealthStatus } from './health-status/routes.ts';
import { registerHealthThresholds } from './health-thresholds/routes.ts';
import { registerIdentityProviders } from './identity-providers/routes.ts';
import { registerLogCollections } from './log-collections/routes.ts';
import { registerMetrics } from './metrics/metrics.ts';
import { registerOpenApi } from './openapi/routes.ts';
import { registerOpenId } from './openid/mount.ts';
import { registerSignInSessions } from './openid/session-routes.ts';
import { registerRoles } from './roles/routes.ts';
import { registerScopeTags } from './scope-tags/routes.ts';
import { registerServerConfigurations } from './server-configurations/routes.ts';
import { registerServerActions } from './servers/actions.ts';
import { registerServers } from './servers/routes.ts';
import { registerSettings } from './settings/routes.ts';
import { registerSites } from './sites/routes.ts';
import { registerTokens } from './tokens/routes.ts';

/** Every route of the control plane. */
export async function registerRoutes(application: FastifyInstance, context: Context): Promise<void> {
  registerMetrics(application, context, noReleases);
  await registerOpenApi(application);
  registerHealth(application, context);
  registerServerConfigurations(application, context);
  registerSites(application, context);
  registerServers(application, context);
  registerServerActions(application, context, noReleases);
  registerHealthStatus(application, context, noReleases);
  registerHealthThresholds(application, context, noReleases);
  registerNotificationChannels(application, context);
  registerLogCollections(application, context);
  registerRoles(application, context);
  registerScopeTags(application, context);
  registerTokens(application, context);
  registerAccounts(application, context);
  registerSelfService(application, context);
  registerIdentityProviders(application, context);
  registerAudit(application, context);
  registerSettings(application, context);
  await registerOpenId(application, context);
  registerSignInSessions(application, context);
}
