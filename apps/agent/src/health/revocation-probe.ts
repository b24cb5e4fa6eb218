import { randomBytes } from 'node:crypto';
import type { Ask, ChainRevocation } from '@culvert/certificates/revocation/check.ts';
import { RevocationWatch } from '@culvert/certificates/revocation/watch.ts';
import { askOverHttp, type ProxyFor } from './http-request.ts';
import type { KnownGateway } from './known-gateway.ts';
import { type Measurement, minutes, type Probe, seconds } from './probe.ts';

/** For one responder or list; a chain has a few of them. */
const patience = 10 * seconds;

/**
 * `tlsCertificateRevoked`: the chain that the gateway really serves, asked for at the addresses in it. Looks each minute whether
 * it is another one; `RevocationWatch` decides when to ask.
 */
export function revocationProbe(gateway: KnownGateway, proxyFor: ProxyFor, now: () => Date): Probe {
  const ask: Ask = async ({ url, body, longestAnswer }) => {
    const proxy = proxyFor(new URL(url));
    const question = {
      url,
      proxy,
      provesServer: true,
      longestAnswer,
      ...(body === undefined ? {} : { body }),
    };
    const answer = await askOverHttp(question, AbortSignal.timeout(patience));
    if (answer.status !== 200) throw new Error(`it answers with status ${answer.status}`);
    return answer.body;
  };
  const watch = new RevocationWatch({ ask, now, random: randomBytes });
  return {
    metrics: ['tlsCertificateRevoked'],
    periodMilliseconds: 1 * minutes,
    limitMilliseconds: 1 * minutes,
    // No gateway was there to look at; it may be about to start.
    retryMilliseconds: 10 * seconds,
    async measure() {
      const { chain } = await gateway.served();
      return { tlsCertificateRevoked: measurementOf(await watch.check(chain)) };
    },
  };
}

const values = { good: 0, untold: 1, revoked: 2 };

function measurementOf(revocation: ChainRevocation): Measurement {
  if (revocation.status === 'noAddress') return { reason: revocation.reason };
  const value = values[revocation.status];
  return value === 0 ? { value } : { value, reason: revocation.reason };
}
