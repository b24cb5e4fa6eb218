import type { X509Certificate } from 'node:crypto';
import { rootCertificates } from 'node:tls';
import { revocationAddresses } from '@culvert/certificates/revocation/addresses.ts';
import type { Endpoint } from '@culvert/contracts';
import type { Localized } from '../../program/language.ts';
import type { Target } from './target.ts';

const kinds: Record<
  Exclude<Endpoint['kind'], 'agentListener'>,
  Pick<Target, 'title' | 'why'> & { path: string }
> = {
  controlPlane: {
    title: { en: 'Control plane', ja: 'コントロール プレーン' },
    why: {
      en: 'Servers are set up with it, and administrators sign in there.',
      ja: 'サーバーのセットアップと、管理者のサインインに使用します。',
    },
    path: '/livez',
  },
  identityProvider: {
    title: { en: 'Identity provider', ja: 'ID プロバイダー' },
    why: {
      en: 'People of the organisation sign in there, also during setup.',
      ja: '組織のユーザーがサインインに使用します (セットアップ時を含む)。',
    },
    path: '/',
  },
  imageRegistry: {
    title: { en: 'Image registry', ja: 'イメージ レジストリ' },
    why: {
      en: 'The container images of installations and upgrades come from there.',
      ja: 'インストールとアップグレードのコンテナー イメージの取得元です。',
    },
    path: '/v2/',
  },
  webhook: {
    title: { en: 'Webhook', ja: 'Webhook' },
    why: {
      en: 'The control plane tells it of changes of health; run this on its host.',
      ja: 'コントロール プレーンが正常性の変化を通知します。この確認はコントロール プレーンのホストで実行してください。',
    },
    path: '/',
  },
};

/** Whom a target of the web must prove to be of: the well-known authorities, and these further ones (PEM). */
export function trusted(authorities: readonly string[]): string[] {
  return [...rootCertificates, ...authorities];
}

const authorityFileHint: Localized = {
  en: 'if it has a certificate of an authority of its own, name that with --authority-file',
  ja: '独自の認証局の証明書を使用している場合は、--authority-file で認証局を指定してください',
};

/** Endpoints of the product as targets; those of agents are targets of their own. */
export function targetsOf(endpoints: readonly Endpoint[], authorities: readonly string[]): Target[] {
  const counts = new Map<string, number>();
  return endpoints.flatMap((endpoint) => {
    if (endpoint.kind === 'agentListener') return [];
    const { title, why, path } = kinds[endpoint.kind];
    const number = (counts.get(endpoint.kind) ?? 0) + 1;
    counts.set(endpoint.kind, number);
    const id = endpoint.kind.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    return [
      {
        id: number === 1 ? id : `${id}.${number}`,
        title,
        why,
        url: urlOf(endpoint, path),
        authorities: trusted(authorities),
        distrustHint: authorityFileHint,
        ...(endpoint.kind === 'controlPlane' ? { expected: [200], examine: examineControlPlane } : {}),
      },
    ];
  });
}

function urlOf({ host, port, isTls }: Endpoint, path: string): URL {
  const shown = host.includes(':') ? `[${host}]` : host;
  return new URL(`${isTls ? 'https' : 'http'}://${shown}:${port}${path}`);
}

function examineControlPlane(body: string): Localized | undefined {
  if (/^\s*\{\s*"status"\s*:\s*"ok"/.test(body)) return undefined;
  return {
    en: 'what answers is no control plane',
    ja: 'コントロール プレーンではないものが応答しています',
  };
}

/** Where the revocation of a certificate is asked for. */
export function revocationTargets(certificate: X509Certificate): Target[] {
  const { ocsp, crl } = revocationAddresses(certificate);
  const target =
    (kind: 'OCSP' | 'CRL') =>
    (address: string, index: number): Target => ({
      id: `${kind.toLowerCase()}${index === 0 ? '' : `.${index + 1}`}`,
      title: { en: `Revocation of the certificate (${kind})`, ja: `証明書の失効確認 (${kind})` },
      why: {
        en: 'Without it nobody can tell whether the certificate of the server was revoked.',
        ja: '接続できないと、サーバー証明書が失効していないか確認できません。',
      },
      url: new URL(address),
    });
  return [...ocsp.map(target('OCSP')), ...crl.map(target('CRL'))];
}
