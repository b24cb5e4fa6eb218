import { askOverHttp, type HttpQuestion, type ProxyFor, placeOf } from './http-request.ts';
import { type Measurement, messageOf, minutes, type Probe, seconds } from './probe.ts';
import type { HealthSettings } from './source.ts';

const period = 5 * minutes;
const limit = 15 * seconds;
/** For the request; a little less than the probe has, so that it can say what failed. */
const patience = 12 * seconds;

type Settings = () => HealthSettings | undefined;
const notYet = 'the settings of the site have not arrived yet';

/**
 * `internalNetworkReachable`: the probe URL of the site is asked for from this host, without a proxy. Every answer below 500
 * shows that the network was reached, also a refusal or a redirection; a certificate of an internal authority is no hindrance.
 */
export function internalNetworkProbe(settings: Settings): Probe {
  return {
    metrics: ['internalNetworkReachable'],
    periodMilliseconds: period,
    limitMilliseconds: limit,
    subject: () => JSON.stringify(settings()?.internalNetworkProbeUrl),
    async measure(signal) {
      const url = settings()?.internalNetworkProbeUrl;
      if (url === undefined) return { internalNetworkReachable: { reason: notYet } };
      if (url === null) return { internalNetworkReachable: { reason: 'the site has no URL to probe' } };
      const question = { url, proxy: undefined, provesServer: false, longestAnswer: 0 };
      const isReached = (status: number) => status < 500;
      return { internalNetworkReachable: await reach(question, isReached, signal) };
    },
  };
}

/** `imageRegistryReachable`: the registry answers at `/v2/`, the start of its API, with 200 or with the wish for a sign-in. */
export function imageRegistryProbe(settings: Settings, proxyFor: ProxyFor): Probe {
  return {
    metrics: ['imageRegistryReachable'],
    periodMilliseconds: period,
    limitMilliseconds: limit,
    subject: () => JSON.stringify(settings()?.imageRegistryUrl),
    async measure(signal) {
      const registry = settings()?.imageRegistryUrl;
      if (registry === undefined) return { imageRegistryReachable: { reason: notYet } };
      if (registry === null) return { imageRegistryReachable: { reason: 'no image registry is set' } };
      const url = `${registry.replace(/\/+$/, '')}/v2/`;
      const proxy = proxyFor(new URL(url));
      const question = { url, proxy, provesServer: true, longestAnswer: 0 };
      const isReached = (status: number) => status === 200 || status === 401;
      return { imageRegistryReachable: await reach(question, isReached, signal) };
    },
  };
}

async function reach(
  question: HttpQuestion,
  isReached: (status: number) => boolean,
  stop: AbortSignal,
): Promise<Measurement> {
  const { url, proxy } = question;
  const way = proxy === undefined ? '' : ` through the proxy ${placeOf(proxy)}`;
  try {
    const signal = AbortSignal.any([stop, AbortSignal.timeout(patience)]);
    const { status } = await askOverHttp(question, signal);
    if (isReached(status)) return { value: 1 };
    return { value: 0, reason: `${withoutPassword(url)} answers${way} with status ${status}` };
  } catch (error) {
    return { value: 0, reason: `${withoutPassword(url)} cannot be reached${way}: ${messageOf(error)}` };
  }
}

/** Addresses may carry a name and a password, which are nobody's business in a report. */
function withoutPassword(url: string): string {
  const parsed = URL.parse(url);
  if (parsed === null || (parsed.username === '' && parsed.password === '')) return url;
  parsed.username = '';
  parsed.password = '';
  return parsed.href;
}
