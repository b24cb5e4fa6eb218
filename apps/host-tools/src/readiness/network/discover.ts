import {
  type AgentListener,
  agentListenerSchema,
  type Endpoint,
  endpointsSchema,
  type JoinToken,
} from '@culvert/contracts';
import { ControlPlane } from '@culvert/control-plane-client/control-plane.ts';
import type { HttpProxy } from '@culvert/control-plane-client/proxy.ts';
import { fetchAuthority } from '@culvert/control-plane-client/trust.ts';
import { webFetch } from '@culvert/control-plane-client/web.ts';

/** Milliseconds for the list, so that the checks themselves have time left. */
const milliseconds = 4_000;

/** How the control plane is reached by people. */
export interface WebWay {
  /** PEM. */
  authority?: string;
  proxy: HttpProxy | undefined;
  /** An access or API token. */
  token?: string;
}

/** The endpoints that the control plane names to people. Rejects with an Error in words. */
export async function endpointsByWeb(controlPlane: string, way: WebWay): Promise<Endpoint[]> {
  return endpointsSchema.parse(await getJson(controlPlane, '/api/v1/endpoints', way)).value;
}

/** Where agents connect. Rejects with an Error in words. */
export async function fetchAgentListener(controlPlane: string, way: WebWay): Promise<AgentListener> {
  return agentListenerSchema.parse(await getJson(controlPlane, '/api/v1/agentListener', way));
}

function getJson(controlPlane: string, path: string, { authority, proxy, token }: WebWay): Promise<unknown> {
  const fetch = webFetch(authority, proxy);
  const headers = token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } };
  return inTime(async () => {
    const response = await fetch(new URL(path, controlPlane).href, headers);
    if (response.ok) return response.json();
    throw new Error(`${controlPlane} answers with status ${response.status}`);
  });
}

/** The endpoints that the listener of agents names, and the authority that it has. Rejects with an Error in words. */
export async function endpointsByListener(
  url: string,
  authority: string,
  proxy: HttpProxy | undefined,
): Promise<Endpoint[]> {
  const controlPlane = new ControlPlane({ url, authority, ...(proxy === undefined ? {} : { proxy }) });
  try {
    return await inTime(async () => {
      const text = await controlPlane.send('GET', '/agent/v1/endpoints');
      return endpointsSchema.parse(JSON.parse(text)).value;
    });
  } finally {
    await controlPlane.close();
  }
}

/** PEM of the authority that a join token names, as the listener shows it. Rejects with Unreachable. */
export function authorityOfToken(
  { url, fingerprint }: JoinToken,
  proxy: HttpProxy | undefined,
): Promise<string> {
  const { hostname, port } = new URL(url);
  const place = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 443) };
  return inTime(() => fetchAuthority(place, proxy, fingerprint));
}

async function inTime<Result>(work: () => Promise<Result>): Promise<Result> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error('no answer in time')), milliseconds);
  try {
    return await Promise.race([work(), promise]);
  } finally {
    clearTimeout(timer);
  }
}
