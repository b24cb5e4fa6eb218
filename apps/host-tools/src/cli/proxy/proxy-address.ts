import { isAddress } from '@culvert/contracts';
import { Failure, WrongUse } from '../../program/failure.ts';

const hostName = /^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$/;

/**
 * Reads the address of an outbound proxy, `http://HOST[:PORT]`; what comes back can stand in every file without quotes. Throws a
 * WrongUse, or a Failure for a proxy that the product cannot work with. A password is never repeated.
 */
export function readProxyAddress(text: string): string {
  const url = URL.parse(text);
  if (url !== null && (url.username !== '' || url.password !== '')) {
    throw new Failure({
      en: 'The address holds a name or a password. Proxies with authentication are not supported, and the files that name the proxy can be read by everybody on this server. Let this server through the proxy without authentication.',
      ja: 'アドレスにユーザー名またはパスワードが含まれています。認証が必要なプロキシには対応していません。また、プロキシを設定するファイルはこのサーバーの全ユーザーが読み取れます。プロキシ側で、このサーバーからの接続を認証なしで許可してください。',
    });
  }
  if (url?.protocol === 'https:') {
    throw new Failure({
      en: 'A connection to the proxy itself cannot be TLS: write http:// instead of https://. What goes through the proxy stays encrypted.',
      ja: 'プロキシ自体への接続には TLS を使用できません。https:// ではなく http:// を指定してください。プロキシを経由する通信は暗号化されたままです。',
    });
  }
  const host = url?.hostname.replace(/^\[|\]$/g, '') ?? '';
  const isPlain = url !== null && /^\/?$/.test(url.pathname) && url.search === '' && url.hash === '';
  if (url?.protocol === 'http:' && isPlain && (hostName.test(host) || isAddress(host))) {
    // The usual port of a URL is left out by the parser; programs do not agree on what is usual for a proxy.
    return `http://${url.hostname}:${url.port === '' ? '80' : url.port}`;
  }
  throw new WrongUse({
    en: 'expected the address of an HTTP proxy, such as http://proxy.example.com:3128',
    ja: 'HTTP プロキシのアドレスを http://proxy.example.com:3128 の形で指定してください',
  });
}

/** Reads names, addresses and networks that are reached without the proxy, separated by commas. Throws a WrongUse. */
export function readExceptions(text: string): string {
  const entries = text.split(',').map((entry) => entry.trim());
  const isEntry = (entry: string) =>
    entry === '*' || /^\*?\.?[A-Za-z0-9_[][A-Za-z0-9_.:/[\]-]{0,252}$/.test(entry);
  if (text.length <= 4096 && entries.every(isEntry)) return entries.join(',');
  throw new WrongUse({
    en: '--no-proxy: expected names, addresses or networks separated by commas, such as localhost,10.0.0.0/8,.corp.example.com',
    ja: '--no-proxy: 名前、アドレス、ネットワークをコンマ区切りで指定してください (例: localhost,10.0.0.0/8,.corp.example.com)',
  });
}
