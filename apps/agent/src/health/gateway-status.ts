import { z } from 'zod';
import { askLocally, NotRunning } from '../gateway/unix-http.ts';

/** What the probes need of `GET /status` of a gateway's `admin.sock`. */
const gatewayStatusSchema = z.object({
  publicAddress: z.string(),
  listenPort: z.int(),
  engine: z.object({ connected: z.boolean() }),
  sessions: z.object({ connected: z.int() }),
  listenAddresses: z.array(z.string()).optional(),
  proxyProtocol: z.boolean(),
  freeAddress: z.string().optional(),
});
export type GatewayStatus = z.output<typeof gatewayStatusSchema>;

const patienceMilliseconds = 5_000;

/** Asks the gateway of this host how it is. Rejects with a sentence when it does not answer. */
export async function readGatewayStatus(socketPath: string): Promise<GatewayStatus> {
  const request = { socketPath, method: 'GET', path: '/status', patience: patienceMilliseconds } as const;
  const { status: code, body } = await askLocally(request).catch((error: NodeJS.ErrnoException) => {
    throw new Error(explain(error, socketPath));
  });
  if (code !== 200) throw new Error(`the gateway of this host is not ready: it answers with status ${code}`);
  const status = gatewayStatusSchema.safeParse(body);
  if (status.success) return status.data;
  throw new Error('the gateway of this host answers in another way; are gateway and agent of one version?');
}

function explain(error: NodeJS.ErrnoException, socketPath: string): string {
  if (error instanceof NotRunning) return 'no gateway is running on this host';
  if (error.code === 'EACCES') return `${socketPath} belongs to another user, so the gateway cannot be asked`;
  return `the gateway of this host does not answer: ${error.message}`;
}
