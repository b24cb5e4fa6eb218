import { X509Certificate } from 'node:crypto';
import { agentConnectionSchema } from '@culvert/contracts';
import { fingerprintOf } from '@culvert/control-plane-client/trust.ts';
import type { Localized } from '../../program/language.ts';
import type { Target } from './target.ts';

/** The listener of agents; mutual TLS is reached when it has seen the certificate that was shown. `authority` is PEM. */
export function agentListenerTarget(
  url: string,
  authority: string,
  clientCertificate: { cert: string; key: string },
): Target {
  const fingerprint = fingerprintOf(new X509Certificate(clientCertificate.cert));
  return {
    id: 'agent-listener',
    title: { en: 'Agent listener (mutual TLS)', ja: 'エージェント リスナー (相互 TLS)' },
    why: {
      en: 'The agent gets its configuration and its certificate there, and both ends prove who they are.',
      ja: 'エージェントが構成と証明書を受け取る接続先です。双方が証明書で身元を確認します。',
    },
    url: new URL('/agent/v1/connection', url),
    expected: [200],
    authorities: [authority],
    clientCertificate,
    examine: (body) => explainConnection(body, fingerprint),
  };
}

/** What is wrong with what the listener has seen of our certificate. */
export function explainConnection(body: string, fingerprint: string): Localized | undefined {
  const seen = agentConnectionSchema.safeParse(parse(body)).data;
  if (seen === undefined) {
    return {
      en: 'what answers is no listener of agents',
      ja: 'エージェント リスナーではないものが応答しています',
    };
  }
  if (seen.certificate === 'none' || seen.fingerprint !== fingerprint) {
    return {
      en: 'the client certificate does not arrive: something on the way ends TLS',
      ja: 'クライアント証明書が届いていません。経路上の機器が TLS を終端しています',
    };
  }
  if (seen.certificate !== 'refused') return undefined;
  const reason = seen.reason ?? '';
  return {
    en: `the certificate of this server is refused: ${reason}`,
    ja: `このサーバーの証明書が拒否されました: ${reason}`,
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
