import { readFileSync } from 'node:fs';
import { proxySchema } from '@culvert/control-plane-client/proxy.ts';
import { Failure } from '../program/failure.ts';
import { parseAssignments } from '../readiness/host/parse/os-release.ts';

/** Files in which an administrator sets the outbound proxy of a host, the one that counts first. */
export const hostProxyFiles = ['/etc/environment', '/etc/profile.d/http_proxy.sh'];

const names = ['http_proxy', 'https_proxy', 'no_proxy'];

/**
 * What the text of such a file says about proxies, in both writings, because programs read the one or the other. Throws a Failure for
 * a proxy that the product cannot work with.
 */
export function proxyVariablesOf(file: string, text: string): Record<string, string> {
  const values = parseAssignments(text);
  const found: Record<string, string> = {};
  for (const name of names) {
    const upper = name.toUpperCase();
    const value = values.get(name) || values.get(upper) || '';
    if (value === '') continue;
    if (name !== 'no_proxy') requireUsable(file, name, value);
    found[name] = value;
    found[upper] = value;
  }
  return found;
}

/** The proxy of this host, from the first file that has one; empty when there is none. */
export function readHostProxy(files: readonly string[] = hostProxyFiles): Record<string, string> {
  for (const file of files) {
    const found = proxyVariablesOf(file, readText(file));
    if (Object.keys(found).length > 0) return found;
  }
  return {};
}

/** A password is never repeated. */
function requireUsable(file: string, name: string, value: string): void {
  const read = proxySchema.safeParse(value.includes('://') ? value : `http://${value}`);
  if (read.success) return;
  const hasPassword = /\/\/[^/]*@/.test(value);
  throw new Failure(
    hasPassword
      ? {
          en: `${file}: ${name} holds a name or a password. Proxies with authentication are not supported: let this server through without.`,
          ja: `${file}: ${name} にユーザー名またはパスワードが含まれています。認証が必要なプロキシには対応していません。このサーバーからの接続を認証なしで許可してください。`,
        }
      : {
          en: `${file}: ${name}: expected the address of an HTTP proxy, such as http://proxy.example.com:3128.`,
          ja: `${file}: ${name} には HTTP プロキシのアドレスを http://proxy.example.com:3128 の形で指定してください。`,
        },
  );
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
