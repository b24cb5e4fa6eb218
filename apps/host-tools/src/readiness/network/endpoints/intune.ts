import type { Localized } from '../../../program/language.ts';
import type { Target } from '../target.ts';

/** An endpoint of the original product, and the statuses with which it answers a stranger. */
interface Entry {
  url: string;
  purpose: Localized;
  expected?: readonly number[];
}

const purposes = {
  service: {
    en: 'Intune service, location service and agents',
    ja: 'Intune サービス、位置情報サービス、エージェント',
  },
  signIn: { en: 'sign-in', ja: 'サインイン' },
  tokens: { en: 'security tokens and their keys', ja: 'セキュリティ トークンとその署名キー' },
  graph: { en: 'Microsoft Graph', ja: 'Microsoft Graph' },
  images: { en: 'container images', ja: 'コンテナー イメージ' },
  logs: { en: 'upload of support logs', ja: 'サポート ログのアップロード' },
} satisfies Record<string, Localized>;

const metadata = '/common/v2.0/.well-known/openid-configuration';

const commercial: readonly Entry[] = [
  {
    url: 'https://login.microsoftonline.com/common/oauth2/deviceauth',
    purpose: purposes.signIn,
    expected: [200, 302],
  },
  { url: 'https://login.windows.net/', purpose: purposes.signIn, expected: [200, 302] },
  {
    url: 'https://manage.microsoft.com/',
    purpose: purposes.service,
    expected: [200, 302, 400, 401, 403, 404],
  },
  { url: `https://sts.windows.net${metadata}`, purpose: purposes.tokens, expected: [200, 400] },
  { url: 'https://graph.microsoft.com/', purpose: purposes.graph, expected: [200, 302, 401, 403, 405] },
  { url: 'https://mcr.microsoft.com/v2/', purpose: purposes.images, expected: [200] },
  {
    url: 'https://powerlift-frontdesk.acompli.net/api/incidents',
    purpose: purposes.logs,
    expected: [401, 403, 405],
  },
];

/** The list of the prerequisites (chapter "firewall") as targets. */
export function intuneTargets(): Target[] {
  return commercial.map(({ url: text, purpose, expected }) => {
    const url = new URL(text);
    return {
      id: `intune.${url.hostname}`,
      title: { en: url.hostname, ja: url.hostname },
      why: {
        en: `Microsoft Tunnel needs it: ${purpose.en}.`,
        ja: `Microsoft Tunnel に必要です: ${purpose.ja}。`,
      },
      url,
      ...(expected === undefined ? {} : { expected }),
    };
  });
}
