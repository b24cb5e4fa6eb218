import { gatewayName } from '../network/network.ts';
import { devicePool } from '../server/server.ts';
import type { ControlPlaneHost } from './control-plane-host.ts';

/** Path of the tunnel in the API. */
export const graph = '/graph/beta/deviceManagement';

/** Makes a configuration and a site with it through the API. */
export async function createSite(
  controlPlane: ControlPlaneHost,
): Promise<{ configurationId: string; siteId: string }> {
  const configuration = await controlPlane.ask('POST', `${graph}/microsoftTunnelConfigurations`, {
    displayName: 'Fleet',
    network: devicePool,
    dnsServers: ['10.60.0.53'],
    defaultDomainSuffix: 'corp.test',
    routeIncludes: ['10.60.0.0/16'],
  });
  const site = await controlPlane.ask('POST', `${graph}/microsoftTunnelSites`, {
    displayName: 'Headquarters',
    publicAddress: gatewayName,
    microsoftTunnelConfiguration: { id: String(configuration.id) },
  });
  return { configurationId: String(configuration.id), siteId: String(site.id) };
}
