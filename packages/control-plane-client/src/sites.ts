import { z } from 'zod';
import type { Fetch } from './web.ts';

const sitesSchema = z.object({
  value: z.array(z.object({ id: z.string(), displayName: z.string(), publicAddress: z.string() })),
});
export type Site = z.output<typeof sitesSchema>['value'][number];

const path = '/graph/beta/deviceManagement/microsoftTunnelSites';

/** The sites that an administrator can see. */
export async function listSites(publicUrl: string, fetch: Fetch, accessToken: string): Promise<Site[]> {
  const response = await fetch(`${publicUrl}${path}?$top=100`, {
    headers: { authorization: `Bearer ${accessToken}` },
  });
  if (!response.ok)
    throw new Error(`the sites cannot be listed: the control plane answers ${response.status}`);
  return sitesSchema.parse(await response.json()).value;
}
