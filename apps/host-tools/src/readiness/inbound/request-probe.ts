import { setTimeout as sleep } from 'node:timers/promises';
import {
  type InboundProbe,
  type InboundProbeAnswer,
  inboundProbeAnswerSchema,
  parseJoinToken,
} from '@culvert/contracts';
import { ControlPlane } from '@culvert/control-plane-client/control-plane.ts';
import { Refused } from '@culvert/control-plane-client/failures.ts';
import type { HttpProxy } from '@culvert/control-plane-client/proxy.ts';
import type { Fetch } from '@culvert/control-plane-client/web.ts';
import { z } from 'zod';
import { Failure } from '../../program/failure.ts';
import { authorityOfToken } from '../network/discover.ts';
import type { ServerIdentity } from '../network/server-identity.ts';

/** Asks the control plane to connect back. Rejects with a Failure or an Error in words. */
export type RequestProbe = (probe: InboundProbe) => Promise<InboundProbeAnswer>;

/** Milliseconds that are waited for the turn of this caller, once. */
const longestWait = 10_000;

const refusalSchema = z.object({ error: z.object({ message: z.string() }) });

/** On the word of an account or an API token. */
export function byAccount(controlPlane: string, fetch: Fetch, token: string): RequestProbe {
  return async (probe) => {
    const ask = () =>
      fetch(`${controlPlane}/api/v1/inboundProbes`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify(probe),
      });
    let response = await ask();
    const wait = Number(response.headers.get('retry-after')) * 1000;
    if (response.status === 429 && wait <= longestWait) {
      await sleep(wait);
      response = await ask();
    }
    const body: unknown = await response.json().catch(() => undefined);
    if (response.ok) return inboundProbeAnswerSchema.parse(body);
    throw refused(refusalSchema.safeParse(body).data?.error.message ?? `status ${response.status}`);
  };
}

/** With the certificate of a server that has joined. */
export function byServer(
  { url, authority, credentials }: ServerIdentity,
  proxy: HttpProxy | undefined,
): RequestProbe {
  const own =
    credentials === undefined
      ? {}
      : { credentials: { certificate: credentials.cert, privateKey: credentials.key } };
  return (probe) => atListener({ url, authority, ...own }, proxy, probe);
}

/** With a join token, which is not used up. */
export function byJoinToken(text: string, proxyOf: (url: string) => HttpProxy | undefined): RequestProbe {
  return async (probe) => {
    const token = parseJoinToken(text);
    if (token === undefined) throw refused('this is no join token');
    const proxy = proxyOf(token.url);
    const authority = await authorityOfToken(token, proxy);
    return atListener({ url: token.url, authority }, proxy, {
      ...probe,
      joinToken: token.secret,
    });
  };
}

async function atListener(
  place: Pick<ConstructorParameters<typeof ControlPlane>[0], 'url' | 'authority' | 'credentials'>,
  proxy: HttpProxy | undefined,
  body: InboundProbe & { joinToken?: string },
): Promise<InboundProbeAnswer> {
  const controlPlane = new ControlPlane({ ...place, ...(proxy === undefined ? {} : { proxy }) });
  try {
    const ask = () =>
      controlPlane.send('POST', '/agent/v1/inbound-probes', JSON.stringify(body), {
        contentType: 'application/json',
      });
    const text = await ask().catch(async (error: unknown) => {
      const wait =
        error instanceof Refused && error.code === 'tooManyRequests' ? error.retryAfter : undefined;
      if (wait === undefined || wait > longestWait) throw error;
      await sleep(wait);
      return ask();
    });
    return inboundProbeAnswerSchema.parse(JSON.parse(text));
  } catch (error) {
    throw error instanceof Refused ? refused(error.message) : error;
  } finally {
    await controlPlane.close();
  }
}

function refused(reason: string): Failure {
  return new Failure({
    en: `The control plane does not connect back: ${reason}.`,
    ja: `コントロール プレーンからの接続確認が拒否されました: ${reason}。`,
  });
}
