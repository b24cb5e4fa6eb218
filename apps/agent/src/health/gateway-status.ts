import { request } from 'node:http';
import { z } from 'zod';

/** What the probes need of `GET /status` of a gateway's `admin.sock`. */
const gatewayStatusSchema = z.object({
  publicAddress: z.string(),
  listenPort: z.int(),
  engine: z.object({ connected: z.boolean() }),
  counters: z.object({ sessionsConnected: z.int() }),
  probing: z.object({
    listenAddresses: z.array(z.string()).optional(),
    proxyProtocol: z.boolean(),
    freeAddress: z.string().optional(),
  }),
});
export type GatewayStatus = z.output<typeof gatewayStatusSchema>;

/** A status has a few kilobytes. */
const longestAnswer = 1024 * 1024;

/** Asks the gateway of this host how it is. Rejects with a sentence when it does not answer. */
export async function readGatewayStatus(socketPath: string, signal: AbortSignal): Promise<GatewayStatus> {
  const text = await get(socketPath, signal);
  const status = gatewayStatusSchema.safeParse(parse(text));
  if (!status.success)
    throw new Error('the gateway of this host answers in another way; are gateway and agent of one version?');
  return status.data;
}

function get(socketPath: string, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, path: '/status', signal, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      let length = 0;
      response.on('data', (chunk: Buffer) => {
        length += chunk.length;
        if (length > longestAnswer) sent.destroy(new Error('its answer is too long'));
        else chunks.push(chunk);
      });
      response.on('error', reject);
      response.on('end', () => {
        if (response.statusCode === 200) resolve(Buffer.concat(chunks).toString('utf8'));
        else
          reject(
            new Error(`the gateway of this host is not ready: it answers with status ${response.statusCode}`),
          );
      });
    });
    sent.on('error', (error) => reject(new Error(explain(error, socketPath))));
    sent.end();
  });
}

function explain(error: NodeJS.ErrnoException, socketPath: string): string {
  if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') return 'no gateway is running on this host';
  if (error.code === 'EACCES') return `${socketPath} belongs to another user, so the gateway cannot be asked`;
  if (error.name === 'AbortError') return 'the gateway of this host does not answer in time';
  return `the gateway of this host does not answer: ${error.message}`;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
