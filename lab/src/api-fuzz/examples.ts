import { request } from 'node:https';
import type { Access } from '../control-plane/control-plane.ts';

const base = '/graph/beta/deviceManagement';

/** Makes one object of each kind, so that requests for one find something. */
export async function createExamples(access: Access): Promise<{ siteId: string }> {
  const configuration = await post(access, `${base}/microsoftTunnelConfigurations`, {
    displayName: 'Headquarters',
    network: '10.70.0.0/16',
  });
  const site = await post(access, `${base}/microsoftTunnelSites`, {
    displayName: 'Tokyo',
    publicAddress: 'vpn.example.com',
    microsoftTunnelConfiguration: { id: configuration.id },
  });
  const servers = `${base}/microsoftTunnelSites/${site.id}/microsoftTunnelServers`;
  const server = await post(access, servers, { displayName: 'gateway-1' });
  await post(access, `${servers}/${server.id}/createServerLogCollectionRequest`, {
    startDateTime: '2026-01-01T00:00:00Z',
    endDateTime: '2026-01-02T00:00:00Z',
  });
  await post(access, '/api/v1/roleAssignments', {
    roleId: 'readOnlyOperator',
    memberKind: 'group',
    member: 'Auditors',
  });
  return { siteId: String(site.id) };
}

function post({ host, port, authority, token }: Access, path: string, body: unknown) {
  return new Promise<Record<string, unknown>>((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const asked = request({ host, port, path, ca: authority, headers, method: 'POST' }, async (response) => {
      const pieces = await response.toArray();
      const text = Buffer.concat(pieces).toString();
      if (response.statusCode === 200 || response.statusCode === 201) resolve(JSON.parse(text));
      else reject(new Error(`POST ${path} was answered with ${response.statusCode}: ${text}`));
    });
    asked.on('error', reject);
    asked.end(JSON.stringify(body));
  });
}
