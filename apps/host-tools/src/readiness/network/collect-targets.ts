import type { X509Certificate } from 'node:crypto';
import { readCertificates } from '@culvert/certificates/bundle.ts';
import { type Endpoint, parseJoinToken } from '@culvert/contracts';
import type { HttpProxy } from '@culvert/control-plane-client/proxy.ts';
import type { CheckReport } from '../../checks/check.ts';
import { WrongUse } from '../../program/failure.ts';
import type { ServerFiles } from '../server-files.ts';
import { agentListenerTarget } from './agent-listener-target.ts';
import { authorityOfToken, endpointsByListener, endpointsByWeb, fetchAgentListener } from './discover.ts';
import { type ProxySettings, proxyForTarget } from './host-proxy.ts';
import { revocationTargets, targetsOf, trusted } from './product-targets.ts';
import { serverIdentityOf } from './server-identity.ts';
import type { Target } from './target.ts';
import { throwAwayCertificate } from './throw-away-certificate.ts';

/** What the administrator has said about the control plane. */
export interface ProductQuestion {
  controlPlane?: string;
  /** PEM of the authority of the control plane for people. */
  authority?: string;
  joinToken?: string;
  /** Text of an API token, with which webhooks are named too. */
  token?: string;
  /** PEM of the certificate of the server. */
  certificate?: string;
  /** `mst_image_registry` of env.sh. */
  imageRegistry?: string;
}

export interface Collected {
  targets: Target[];
  /** Told when the control plane could not say what there is to check. */
  troubles: CheckReport[];
}

/** Finds out what to check: from the control plane, from a join token, from what joining has left on this server. */
export async function collectTargets(
  question: ProductQuestion,
  files: ServerFiles,
  settings: ProxySettings,
): Promise<Collected> {
  const proxyOf = (url: string) => proxyForTarget(settings, { url: new URL(url) });
  const authorities = question.authority === undefined ? [] : [question.authority];
  const [byWeb, byListener] = await Promise.all([
    ofControlPlane(question, proxyOf),
    ofListener(question, files, proxyOf),
  ]);
  const endpoints = [...byWeb.endpoints, ...byListener.endpoints, ...ofRegistry(question.imageRegistry)];
  const listener = byListener.target ?? (await listenerOf(byWeb.endpoints, question, proxyOf));
  const [leaf] = certificatesIn(question.certificate);
  const revocation = leaf === undefined ? [] : revocationTargets(leaf);
  return {
    targets: [
      ...targetsOf(distinct(endpoints), authorities),
      ...(listener === undefined ? [] : [listener]),
      ...revocation,
    ],
    troubles: [...byWeb.troubles, ...byListener.troubles],
  };
}

/** What cannot be read is told by the check of the certificate. */
function certificatesIn(text: string | undefined): X509Certificate[] {
  const read = readCertificates(text ?? '');
  return read.ok ? read.value : [];
}

type ProxyOf = (url: string) => HttpProxy | undefined;

async function ofControlPlane(
  { controlPlane, authority, token }: ProductQuestion,
  proxyOf: ProxyOf,
): Promise<{ endpoints: Endpoint[]; troubles: CheckReport[] }> {
  if (controlPlane === undefined) return { endpoints: [], troubles: [] };
  try {
    const options = {
      proxy: proxyOf(controlPlane),
      ...(authority === undefined ? {} : { authority }),
      ...(token === undefined ? {} : { token }),
    };
    return { endpoints: await endpointsByWeb(controlPlane, options), troubles: [] };
  } catch (error) {
    const url = new URL(controlPlane);
    // The control plane itself is checked all the same, and that check says what is wrong.
    const itself = {
      kind: 'controlPlane',
      host: url.hostname,
      port: Number(url.port || 443),
      isTls: true,
    } as const;
    return { endpoints: [itself], troubles: [unknownEndpoints(error)] };
  }
}

async function ofListener(
  { joinToken }: ProductQuestion,
  files: ServerFiles,
  proxyOf: ProxyOf,
): Promise<{ endpoints: Endpoint[]; target?: Target; troubles: CheckReport[] }> {
  const identity = joinToken === undefined ? await serverIdentityOf(files) : undefined;
  const token = joinToken === undefined ? undefined : requireJoinToken(joinToken);
  const url = token?.url ?? identity?.url;
  if (url === undefined) return { endpoints: [], troubles: [] };
  const credentials = identity?.credentials ?? (await throwAwayCertificate('client'));
  try {
    const authority =
      token === undefined ? (identity?.authority ?? '') : await authorityOfToken(token, proxyOf(url));
    const target = agentListenerTarget(url, authority, credentials);
    const named = await endpointsByListener(url, authority, proxyOf(url)).catch((error: unknown) => error);
    if (Array.isArray(named)) return { endpoints: named, target, troubles: [] };
    return { endpoints: [], target, troubles: [unknownEndpoints(named)] };
  } catch (error) {
    // Whom to trust there was not learnt, so whoever answers is told as one who is not expected.
    const target = { ...agentListenerTarget(url, '', credentials), authorities: trusted([]) };
    return { endpoints: [], target, troubles: [unknownEndpoints(error)] };
  }
}

/** The listener that the control plane names to people. */
async function listenerOf(
  endpoints: readonly Endpoint[],
  { controlPlane, authority }: ProductQuestion,
  proxyOf: ProxyOf,
): Promise<Target | undefined> {
  const listener = endpoints.find(({ kind }) => kind === 'agentListener');
  if (listener === undefined || controlPlane === undefined) return undefined;
  const named = await fetchAgentListener(controlPlane, {
    proxy: proxyOf(controlPlane),
    ...(authority === undefined ? {} : { authority }),
  }).catch(() => undefined);
  if (named === undefined) return undefined;
  return agentListenerTarget(named.url, named.authority, await throwAwayCertificate('client'));
}

function ofRegistry(address: string | undefined): Endpoint[] {
  const url =
    address === undefined || address === ''
      ? null
      : URL.parse(address.includes('://') ? address : `https://${address}`);
  if (url === null) return [];
  const isTls = url.protocol === 'https:';
  return [{ kind: 'imageRegistry', host: url.hostname, port: Number(url.port || (isTls ? 443 : 80)), isTls }];
}

function distinct(endpoints: readonly Endpoint[]): Endpoint[] {
  return [...new Map(endpoints.map((endpoint) => [Object.values(endpoint).join(' '), endpoint])).values()];
}

function requireJoinToken(text: string) {
  const token = parseJoinToken(text);
  if (token !== undefined) return token;
  throw new WrongUse({
    en: '--join-token: this is no join token, or a part of it is missing; copy all of it, from "culvert-join-" to its end',
    ja: '--join-token: 参加トークンではないか、一部が欠けています。"culvert-join-" から最後までコピーしてください',
  });
}

function unknownEndpoints(error: unknown): CheckReport {
  const reason = error instanceof Error ? error.message : String(error);
  return {
    id: 'network.endpoints',
    title: { en: 'List of endpoints', ja: 'エンドポイントの一覧' },
    why: {
      en: 'The control plane says which other endpoints there are.',
      ja: 'ほかに必要なエンドポイントは、コントロール プレーンから取得します。',
    },
    result: 'unknown',
    found: {
      en: `only what is known without the control plane was checked: ${reason}`,
      ja: `コントロール プレーンから一覧を取得できないため、わかっているものだけを確認しました: ${reason}`,
    },
    milliseconds: 0,
  };
}
