import { z } from 'zod';

/** What the probes need of `GET /status` of a gateway's `admin.sock`. */
export const gatewayStatusSchema = z.object({
  engine: z.object({ connected: z.boolean() }),
  sessions: z.object({ connected: z.int() }),
});
export type GatewayStatus = z.output<typeof gatewayStatusSchema>;
