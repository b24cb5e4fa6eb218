import { z } from 'zod';

/** An HTTP proxy without authentication. */
export interface HttpProxy {
  host: string;
  port: number;
}

/** `http://HOST:PORT`; credentials are refused, because proxies with authentication are not supported. */
export const proxySchema = z.string().transform((text, context): HttpProxy => {
  const url = URL.parse(text);
  const complaint =
    url === null || url.protocol !== 'http:' || url.hostname === ''
      ? 'expected the address of an HTTP proxy, such as http://proxy.example.com:3128'
      : url.username !== '' || url.password !== ''
        ? 'holds a name or a password; proxies with authentication are not supported: let this server through without'
        : undefined;
  if (url === null || complaint !== undefined) {
    context.addIssue({ code: 'custom', message: complaint ?? '' });
    return z.NEVER;
  }
  return { host: withoutBrackets(url.hostname), port: url.port === '' ? 80 : Number(url.port) };
});

/** `agent/settings.json`: what only the administrator of the host decides. */
export const agentFileSettingsSchema = z.strictObject({ proxy: proxySchema.optional() });

/**
 * The proxy for an address: that of the settings, or else that of the environment (`HTTPS_PROXY`, `NO_PROXY`). Throws an
 * error that names the variable when it cannot be understood.
 */
export function proxyFor(
  target: URL,
  setting: HttpProxy | undefined,
  environment: NodeJS.ProcessEnv,
): HttpProxy | undefined {
  if (setting !== undefined) return setting;
  const [name, value] =
    ['https_proxy', 'HTTPS_PROXY']
      .map((name) => [name, environment[name] ?? ''] as const)
      .find(([, text]) => text !== '') ?? [];
  if (name === undefined || value === undefined) return undefined;
  const exceptions = environment.no_proxy ?? environment.NO_PROXY ?? '';
  if (isExcepted(target, exceptions)) return undefined;
  const read = proxySchema.safeParse(value.includes('://') ? value : `http://${value}`);
  if (!read.success) throw new Error(`${name}: ${read.error.issues[0]?.message}`);
  return read.data;
}

/** `NO_PROXY` as curl reads it: names with everything below them, perhaps with a port, or `*`. */
function isExcepted(target: URL, exceptions: string): boolean {
  const host = withoutBrackets(target.hostname).toLowerCase();
  const port = target.port === '' ? '443' : target.port;
  return exceptions
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => {
      if (entry === '*') return true;
      const [, name = '', onlyPort] = /^(\[.*\]|[^:]*|.*:.*:.*?)(?::(\d+))?$/.exec(entry.toLowerCase()) ?? [];
      if (onlyPort !== undefined && onlyPort !== port) return false;
      const bare = withoutBrackets(name).replace(/^\*?\./, '');
      return bare !== '' && (host === bare || host.endsWith(`.${bare}`));
    });
}

export function withoutBrackets(host: string): string {
  return host.replace(/^\[|\]$/g, '');
}
