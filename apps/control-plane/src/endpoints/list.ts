import type { Endpoint, EndpointKind } from '@culvert/contracts';
import { agentListenerUrl } from '../configuration/control-plane-configuration.ts';
import type { Context } from '../context.ts';
import { readSettings } from '../settings/store.ts';

/**
 * What servers and the people who set them up connect to: hosts and ports, no paths. `withWebhooks` adds what only the control plane
 * connects to.
 */
export async function listEndpoints(
  { configuration, database: { tables } }: Pick<Context, 'configuration' | 'database'>,
  { withWebhooks }: { withWebhooks: boolean },
): Promise<Endpoint[]> {
  const providers = await tables
    .selectFrom('identity_providers')
    .select('issuer')
    .where('is_enabled', '=', 1)
    .orderBy('issuer')
    .execute();
  const { imageRegistryUrl } = (await readSettings(tables)).settings;
  const webhooks = withWebhooks
    ? await tables
        .selectFrom('notification_channels')
        .select('url')
        .where('kind', '=', 'webhook')
        .where('is_enabled', '=', 1)
        .orderBy('url')
        .execute()
    : [];
  const found = [
    endpointOf('controlPlane', configuration.publicUrl),
    endpointOf('agentListener', agentListenerUrl(configuration)),
    ...providers.map(({ issuer }) => endpointOf('identityProvider', issuer)),
    endpointOf('imageRegistry', imageRegistryUrl),
    ...webhooks.map(({ url }) => endpointOf('webhook', url)),
  ].filter((endpoint) => endpoint !== undefined);
  // Several providers or webhooks may be at one host.
  return [...new Map(found.map((endpoint) => [JSON.stringify(endpoint), endpoint])).values()];
}

function endpointOf(kind: EndpointKind, address: string | null): Endpoint | undefined {
  const url = address === null ? null : URL.parse(address);
  if (url === null) return undefined;
  const isTls = url.protocol === 'https:';
  const usual = isTls ? 443 : 80;
  const port = url.port === '' ? usual : Number(url.port);
  return { kind, host: url.hostname.replace(/^\[|\]$/g, ''), port, isTls };
}
