import { createHmac } from 'node:crypto';

const prefix = 'whsec_';

/** Fewest and most bytes of a secret (Standard Webhooks 1.0, "Signature scheme"). */
const secretBytes = { least: 24, most: 64 };

/** The key of a secret such as `whsec_` and base64; undefined when it is none. */
export function secretKey(secret: string): Buffer | undefined {
  const text = secret.slice(prefix.length);
  if (!secret.startsWith(prefix) || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined;
  const key = Buffer.from(text, 'base64');
  const isWhole = key.toString('base64').replace(/=+$/, '') === text.replace(/=+$/, '');
  return isWhole && key.length >= secretBytes.least && key.length <= secretBytes.most ? key : undefined;
}

/** What to enter, for people. */
export const secretRule =
  'expected whsec_ and 24 to 64 random bytes in base64; make one with: echo "whsec_$(openssl rand -base64 32)"';

/**
 * The headers that prove where a message comes from, as Standard Webhooks has them: the receiver computes HMAC-SHA256 over
 * `ID.TIMESTAMP.BODY` with the key of the secret and compares, and refuses what is older than five minutes.
 */
export function signatureHeaders(
  key: Buffer,
  { id, body }: { id: string; body: string },
  now: Date,
): Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string> {
  const timestamp = String(Math.floor(now.getTime() / 1000));
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` };
}
