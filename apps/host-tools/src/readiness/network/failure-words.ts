import type { Remedy } from '../../checks/check.ts';
import type { Localized } from '../../program/language.ts';
import type { FailureReason } from './attempt.ts';

interface Words {
  found: Localized;
  remedy: Localized;
}

/** What each way of failing is called, and what to do. `place` is HOST:PORT. */
export function wordsOf(reason: FailureReason, place: string): Words {
  switch (reason) {
    case 'unknownName':
      return {
        found: { en: 'the name does not resolve', ja: '名前を解決できません' },
        remedy: {
          en: 'check the name, and the DNS servers in /etc/resolv.conf',
          ja: '名前と、/etc/resolv.conf の DNS サーバーを確認してください',
        },
      };
    case 'noNameServer':
      return {
        found: { en: 'the DNS server does not answer', ja: 'DNS サーバーが応答しません' },
        remedy: {
          en: 'check the DNS servers in /etc/resolv.conf, and that port 53 is open to them',
          ja: '/etc/resolv.conf の DNS サーバーと、そこへの 53 番ポートの通信を確認してください',
        },
      };
    case 'refused':
      return {
        found: { en: 'refused', ja: '接続が拒否されました' },
        remedy: {
          en: `check that the program at ${place} runs, and that no firewall rejects this server`,
          ja: `${place} のプログラムが稼働していること、ファイアウォールが拒否していないことを確認してください`,
        },
      };
    case 'timedOut':
      return {
        found: { en: 'no answer in time', ja: '時間内に応答がありません' },
        remedy: {
          en: `let this server out to ${place} (TCP) in the firewall`,
          ja: `ファイアウォールで、このサーバーから ${place} (TCP) への通信を許可してください`,
        },
      };
    case 'noRoute':
      return {
        found: { en: 'no route', ja: '経路がありません' },
        remedy: {
          en: 'check the network and the default route of this server',
          ja: 'このサーバーのネットワークとデフォルト ルートを確認してください',
        },
      };
    case 'reset':
      return {
        found: { en: 'the connection was cut', ja: '接続が切断されました' },
        remedy: {
          en: `something on the way cuts connections to ${place}: look for a firewall that filters by name`,
          ja: `経路上の機器が ${place} への接続を切断しています。名前でフィルターするファイアウォールを確認してください`,
        },
      };
    case 'proxyWantsPassword':
      return {
        found: {
          en: 'the proxy asks for a name and a password (407)',
          ja: 'プロキシが認証を要求しました (407)',
        },
        remedy: {
          en: `proxies with authentication are not supported: let this server through to ${place} without`,
          ja: `認証が必要なプロキシには対応していません。このサーバーから ${place} への通信を認証なしで許可してください`,
        },
      };
    case 'proxyRefuses':
      return {
        found: { en: 'the proxy refuses', ja: 'プロキシが接続を拒否しました' },
        remedy: {
          en: `allow CONNECT to ${place} in the rules of the proxy`,
          ja: `プロキシの規則で ${place} への CONNECT を許可してください`,
        },
      };
    case 'noTls':
      return {
        found: { en: 'what answers does not speak TLS', ja: '応答は TLS ではありません' },
        remedy: { en: 'check the address and the port', ja: 'アドレスとポートを確認してください' },
      };
    case 'noAnswer':
      return {
        found: {
          en: 'connected, and then no answer to the request',
          ja: '接続後、要求に対する応答がありません',
        },
        remedy: {
          en: `check ${place}, and devices on the way that inspect traffic`,
          ja: `${place} と、経路上で通信を検査する機器を確認してください`,
        },
      };
    case 'other':
      return {
        found: { en: 'the connection failed', ja: '接続に失敗しました' },
        remedy: { en: 'check the address and the port', ja: 'アドレスとポートを確認してください' },
      };
  }
}

/** The remedy for a failure, without commands. */
export function remedyOf(text: Localized): Remedy {
  return { text, commands: [] };
}
