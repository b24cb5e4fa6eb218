import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type HttpProxy, proxyFor, proxySchema } from '@culvert/control-plane-client/proxy.ts';
import { parseAssignments } from '../host/parse/os-release.ts';
import type { Target } from './target.ts';

/** Where a proxy is set, in the order in which they count. */
const proxyFiles = ['etc/mstunnel/env.sh', 'etc/environment', 'etc/profile.d/http_proxy.sh'];
const proxyNames = ['https_proxy', 'HTTPS_PROXY', 'http_proxy', 'HTTP_PROXY'];

/** The proxy settings of a host, from the first place that has any. */
export interface ProxySettings {
  /** `--proxy`, `environment` or the path of a file; undefined without a proxy. */
  place?: string;
  variables: Readonly<Record<string, string>>;
}

/** Finds the settings: the option, the environment of this process, or the files in which the prerequisites set them. */
export async function proxySettingsOf(
  option: string | undefined,
  environment: NodeJS.ProcessEnv,
  root = '/',
): Promise<ProxySettings> {
  if (option !== undefined)
    return { place: '--proxy', variables: { https_proxy: option, http_proxy: option } };
  if (hasProxy(environment)) return { place: 'environment', variables: texts(environment) };
  for (const file of proxyFiles) {
    const path = join(root, file);
    const text = await readFile(path, 'utf8').catch(() => '');
    const variables = Object.fromEntries(parseAssignments(text));
    if (hasProxy(variables)) return { place: path, variables };
  }
  return { variables: {} };
}

function hasProxy(variables: Readonly<Record<string, string | undefined>>): boolean {
  return proxyNames.some((name) => (variables[name] ?? '') !== '');
}

function texts(environment: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

/** The proxy for a target; undefined when it is reached directly. Throws an Error that names the variable. */
export function proxyForTarget(
  { variables }: ProxySettings,
  { url }: Pick<Target, 'url'>,
): HttpProxy | undefined {
  const { http_proxy: lower, HTTP_PROXY: upper } = variables;
  const isPlain = url.protocol === 'http:';
  const plain = lower || upper;
  const environment = isPlain ? { ...variables, https_proxy: plain ?? '', HTTPS_PROXY: '' } : variables;
  return proxyFor(url, undefined, environment);
}

/** What is wrong with the settings, as `NAME: reason`; undefined when every proxy can be used. */
export function explainSettings({ variables }: ProxySettings): string | undefined {
  for (const name of proxyNames) {
    const value = variables[name] ?? '';
    if (value === '') continue;
    const read = proxySchema.safeParse(value.includes('://') ? value : `http://${value}`);
    if (!read.success) return `${name}: ${read.error.issues[0]?.message}`;
  }
  return undefined;
}
