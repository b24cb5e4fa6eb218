import type { Fetch } from '@culvert/control-plane-client/web.ts';
import { z } from 'zod';

/** `GET /api/v1/me/serverRegistration`. */
const registrationSchema = z.object({
  missingPermissions: z.array(z.object({ id: z.string(), name: z.string() })),
  sites: z.array(
    z.object({
      id: z.string(),
      displayName: z.string(),
      publicAddress: z.string(),
      mayRegister: z.boolean(),
    }),
  ),
});
export type Registration = z.output<typeof registrationSchema>;

/** Asks the control plane what an account may do. Rejects with Unreachable or an Error in words. */
export async function fetchRegistration(
  controlPlane: string,
  fetch: Fetch,
  token: string,
): Promise<Registration> {
  const response = await fetch(`${controlPlane}/api/v1/me/serverRegistration`, {
    headers: { authorization: `Bearer ${token}` },
  });
  if (response.ok) return registrationSchema.parse(await response.json());
  throw new Error(`the control plane answers with status ${response.status}`);
}
