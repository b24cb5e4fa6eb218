import { type HostView, textOf } from './host-view.ts';
import { parseAssignments } from './parse/os-release.ts';

/** A proxy that is set somewhere on a host. */
export type ConfiguredProxy = Readonly<{ host: string; port: number; place: string }>;

const proxyFiles = ['/etc/environment', '/etc/profile.d/http_proxy.sh', '/etc/mstunnel/env.sh'];
const proxyNames = ['http_proxy', 'https_proxy', 'HTTP_PROXY', 'HTTPS_PROXY'];

/** Proxies of the files in which the prerequisites set them, and of the environment of this process on a host that runs. */
export async function configuredProxiesOf(
  view: HostView,
  environment: NodeJS.ProcessEnv,
): Promise<ConfiguredProxy[]> {
  const files = await Promise.all(
    proxyFiles.map(async (path) => proxiesIn(parseAssignments(await textOf(view, path)), path)),
  );
  const own = new Map(Object.entries(environment).flatMap(([name, value]) => (value ? [[name, value]] : [])));
  return [...files.flat(), ...(view.isRunning ? proxiesIn(own, 'environment') : [])];
}

/** The proxies among variables; what is no address of a proxy is passed over. */
export function proxiesIn(variables: ReadonlyMap<string, string>, place: string): ConfiguredProxy[] {
  return proxyNames.flatMap((name) => {
    const value = variables.get(name);
    if (value === undefined || value === '') return [];
    const text = value.includes('://') ? value : `http://${value}`;
    if (!URL.canParse(text)) return [];
    const { hostname, port, protocol } = new URL(text);
    const usual = protocol === 'https:' ? 443 : 80;
    return [{ host: hostname, port: port === '' ? usual : Number(port), place }];
  });
}
