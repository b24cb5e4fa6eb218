import { request } from 'node:https';
import { rootCertificates } from 'node:tls';
import type { WebhookTarget } from './channel.ts';
import { connectionFailure, DeliveryFailure, oneLine, timeoutSeconds } from './failure.ts';
import { secretKey, signatureHeaders } from './webhook-signature.ts';

/** Bytes of an answer that are read; only its status matters. */
const mostAnswerBytes = 64 * 1024;

/** Sends a signed message. Rejects with a DeliveryFailure unless the receiver answers with 2xx in time. */
export async function sendWebhook(
  { url, secret, authority }: WebhookTarget,
  message: { id: string; body: string },
  now: Date,
  signal?: AbortSignal,
): Promise<void> {
  const key = secretKey(secret);
  if (key === undefined) throw new DeliveryFailure('the channel has no secret to sign with; give it one');
  const { host } = new URL(url);
  const status = await post(url, message, signatureHeaders(key, message, now), authority, signal).catch(
    (error: unknown) => {
      throw error instanceof DeliveryFailure ? error : connectionFailure(error, host);
    },
  );
  if (status.code < 200 || status.code > 299) throw new DeliveryFailure(answerText(host, status));
}

interface Answer {
  code: number;
  location: string | undefined;
}

function post(
  url: string,
  { body }: { body: string },
  headers: Record<string, string>,
  authority: string | undefined,
  signal: AbortSignal | undefined,
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const limit = AbortSignal.timeout(timeoutSeconds * 1000);
  const sent = request(
    url,
    {
      method: 'POST',
      headers: {
        ...headers,
        'content-type': 'application/json; charset=utf-8',
        'content-length': Buffer.byteLength(body),
        'user-agent': 'Culvert',
      },
      // Its own list replaces Node's, which then must be named beside it.
      ...(authority === undefined ? {} : { ca: [...rootCertificates, authority] }),
      agent: false,
      signal: signal === undefined ? limit : AbortSignal.any([limit, signal]),
    },
    (response) => {
      let read = 0;
      response.on('data', (part: Buffer) => {
        read += part.length;
        if (read > mostAnswerBytes) response.destroy();
      });
      // The status is there, whatever becomes of the rest.
      response.on('error', () => {});
      resolve({ code: response.statusCode ?? 0, location: response.headers.location });
    },
  );
  sent.on('error', (error) => {
    reject(limit.aborted ? Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' }) : error);
  });
  sent.end(body);
  return promise;
}

function answerText(host: string, { code, location }: Answer): string {
  if (code >= 300 && code < 400) {
    return `${host} answers ${code} and points to ${oneLine(location ?? 'nowhere')}; enter the address that it really has`;
  }
  if (code === 401 || code === 403)
    return `${host} refuses the message (${code}); check its address and the secret`;
  if (code === 404 || code === 410) return `${host} has nothing at this address (${code}); check it`;
  if (code === 429) return `${host} takes no more messages now (429); it is tried again`;
  if (code >= 500) return `${host} has a fault of its own (${code}); it is tried again`;
  return `${host} does not take the message (${code})`;
}
