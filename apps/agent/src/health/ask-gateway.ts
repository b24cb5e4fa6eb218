import { z } from 'zod';
import { askLocally, NotRunning } from '../gateway/unix-http.ts';

/** No gateway runs on this host. */
export class GatewayAway extends Error {
  override readonly name = 'GatewayAway';
}

/** Asks the gateway of this host for a document. Rejects with a sentence when it does not answer, or cannot tell. */
export async function askGateway<Output>(
  socketPath: string,
  path: string,
  schema: z.ZodType<Output>,
  patience: number,
): Promise<Output> {
  const asked = askLocally({ socketPath, method: 'GET', path, patience });
  const { status, body } = await asked.catch((error: NodeJS.ErrnoException) => {
    throw explain(error, socketPath);
  });
  if (status !== 200) throw new Error(refusal(status, body));
  const answer = schema.safeParse(body);
  if (answer.success) return answer.data;
  throw new Error('the gateway of this host answers in another way; are gateway and agent of one version?');
}

function refusal(status: number, body: unknown): string {
  const told = z.object({ error: z.string().min(1) }).safeParse(body);
  if (status === 503 || !told.success)
    return `the gateway of this host is not ready: it answers with status ${status}`;
  return told.data.error;
}

function explain(error: NodeJS.ErrnoException, socketPath: string): Error {
  if (error instanceof NotRunning) return new GatewayAway('no gateway is running on this host');
  if (error.code === 'EACCES')
    return new Error(`${socketPath} belongs to another user, so the gateway cannot be asked`);
  return new Error(`the gateway of this host does not answer: ${error.message}`);
}
