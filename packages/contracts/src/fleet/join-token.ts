import { z } from 'zod';

/** What a join token says. It is one word, so that it can be pasted, and everything that a server needs to join. */
const joinTokenSchema = z.strictObject({
  /** Where agents connect. */
  url: z.url({ protocol: /^https$/ }),
  /** SHA-256 of the certificate of the authority, lower-case hex: nobody else can answer in its place. */
  fingerprint: z.string().regex(/^[0-9a-f]{64}$/),
  secret: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
});
export type JoinToken = z.output<typeof joinTokenSchema>;

const prefix = 'culvert-join-';

/** Writes a join token as one word. */
export function formatJoinToken({ url, fingerprint, secret }: JoinToken): string {
  return `${prefix}${Buffer.from(JSON.stringify([url, fingerprint, secret])).toString('base64url')}`;
}

/** Reads a join token as it was pasted; undefined when it is none, or was cut off. */
export function parseJoinToken(text: string): JoinToken | undefined {
  const word = text.trim();
  if (!word.startsWith(prefix)) return undefined;
  try {
    const parts: unknown = JSON.parse(Buffer.from(word.slice(prefix.length), 'base64url').toString('utf8'));
    if (!Array.isArray(parts) || parts.length !== 3) return undefined;
    const [url, fingerprint, secret] = parts as unknown[];
    return joinTokenSchema.safeParse({ url, fingerprint, secret }).data;
  } catch {
    return undefined;
  }
}
