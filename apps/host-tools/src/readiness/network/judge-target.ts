import type { Finding } from '../../checks/check.ts';
import type { Localized } from '../../program/language.ts';
import type { Answer, Attempt, Trial } from './attempt.ts';
import { remedyOf, wordsOf } from './failure-words.ts';
import { portOf, type Target } from './target.ts';

/** Why a way to a target is no good, and what to do. */
interface Fault {
  found: Localized;
  remedy: Localized;
}

/** What was found of a target. One of several addresses that fails is a warning, and so is IPv6 where there is no route for it. */
export function judgeTarget(target: Target, trial: Trial): Finding {
  const place = placeOf(target.url);
  if (trial.kind === 'unresolved') {
    const { found, remedy } = wordsOf(trial.reason, place);
    return { result: 'failed', found: prefixed(place, found), remedy: remedyOf(remedy) };
  }
  const judged = trial.attempts.map((attempt) => ({ attempt, fault: faultOf(target, attempt) }));
  const good = judged.filter(({ fault }) => fault === undefined);
  const bad = judged.flatMap(({ attempt, fault }) => (fault === undefined ? [] : [{ attempt, fault }]));
  const lines = judged.map(({ attempt, fault }) => describe(attempt, fault));
  const found = prefixed(place, join(lines));
  const [first] = bad;
  if (first === undefined) return { result: 'ok', found };
  // Several ways with the same fault have one remedy.
  const remedy = remedyOf(first.fault.remedy);
  if (good.length === 0) return { result: 'failed', found, remedy };
  const isOnlyIpv6 = bad.every(({ attempt }) => attempt.family === 6 && hasNoRoute(attempt));
  return { result: 'warning', found, remedy: isOnlyIpv6 ? remedyOf(withoutIpv6) : remedy };
}

const withoutIpv6: Localized = {
  en: 'IPv4 works; give this server an IPv6 route, or take its IPv6 addresses away',
  ja: 'IPv4 では接続できます。IPv6 の経路を設定するか、このサーバーの IPv6 アドレスを削除してください',
};

export function placeOf(url: URL): string {
  return `${url.hostname}:${portOf(url)}`;
}

function hasNoRoute({ outcome }: Attempt): boolean {
  return outcome.kind === 'failed' && outcome.reason === 'noRoute';
}

function faultOf(target: Target, { outcome }: Attempt): Fault | undefined {
  const place = placeOf(target.url);
  if (outcome.kind === 'failed') return wordsOf(outcome.reason, place);
  const { answer } = outcome;
  return (
    distrusted(answer, place, target.distrustHint) ??
    portal(answer, target) ??
    unexpected(answer, target) ??
    (answer.complaint === undefined ? undefined : { found: answer.complaint, remedy: exempt(place) })
  );
}

function exempt(place: string): Localized {
  return {
    en: `exempt ${place} from TLS inspection`,
    ja: `${place} を TLS インスペクションの対象から除外してください`,
  };
}

/** A certificate that is not the expected one: of an inspecting proxy, for another name, or out of its time. */
function distrusted({ certificate }: Answer, place: string, hint: Localized | undefined): Fault | undefined {
  if (certificate?.distrust === undefined) return undefined;
  const { distrust, issuer, subject } = certificate;
  switch (distrust) {
    case 'CERT_NOT_YET_VALID':
    case 'CERT_HAS_EXPIRED':
      return {
        found: {
          en: `its certificate ${distrust === 'CERT_HAS_EXPIRED' ? 'has expired' : 'is not valid yet'} by the clock of this server`,
          ja: `このサーバーの時計では、証明書が${distrust === 'CERT_HAS_EXPIRED' ? '期限切れです' : 'まだ有効ではありません'}`,
        },
        remedy: {
          en: 'check the clock (timedatectl); if it is right, the certificate must be renewed there',
          ja: '時計を確認してください (timedatectl)。時計が正しい場合は、接続先の証明書の更新が必要です',
        },
      };
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return {
        found: {
          en: `its certificate is for another name ("${subject}", issued by "${issuer}")`,
          ja: `証明書の名前が異なります ("${subject}"、発行者 "${issuer}")`,
        },
        remedy: {
          en: `check the address, and what DNS says about it; if a proxy inspects TLS, exempt ${place}`,
          ja: `アドレスと DNS の内容を確認してください。プロキシが TLS を検査している場合は、${place} を対象から除外してください`,
        },
      };
    default: {
      const remedy = exempt(place);
      return {
        found: {
          en: `TLS is broken and inspected on the way: the certificate is not the expected one, it was issued by "${issuer}" for "${subject}"`,
          ja: `経路上で TLS が復号、検査されています。証明書が想定されたものではありません (発行者 "${issuer}"、対象 "${subject}")`,
        },
        remedy:
          hint === undefined ? remedy : { en: `${remedy.en}; ${hint.en}`, ja: `${remedy.ja}。${hint.ja}` },
      };
    }
  }
}

/** A portal that wants people to sign in to the network answers in place of the target (RFC 6585 §6, or a redirection elsewhere). */
function portal({ status, location }: Answer, { url, expected }: Target): Fault | undefined {
  const leadsTo = location === undefined ? null : URL.parse(location, url);
  const isElsewhere = status >= 300 && status < 400 && leadsTo !== null && leadsTo.hostname !== url.hostname;
  if (status !== 511 && (!isElsewhere || expected?.includes(status) === true)) return undefined;
  const where = leadsTo === null ? '' : ` (${leadsTo.host})`;
  return {
    found: {
      en: `a portal of the network answers in its place${where}, status ${status}`,
      ja: `ネットワークのキャプティブ ポータル${where}が代わりに応答しています (状態コード ${status})`,
    },
    remedy: {
      en: 'sign this server in to the network, or connect it to one without a portal',
      ja: 'ネットワークへのサインインを済ませるか、ポータルのないネットワークに接続してください',
    },
  };
}

function unexpected({ status }: Answer, { url, expected }: Target): Fault | undefined {
  if (expected === undefined ? status < 500 : expected.includes(status)) return undefined;
  const wanted = expected === undefined ? '' : expected.join(', ');
  return {
    found: {
      en: `answers with status ${status}${wanted === '' ? '' : ` instead of ${wanted}`}`,
      ja: `状態コード ${status} で応答しました${wanted === '' ? '' : ` (想定: ${wanted})`}`,
    },
    remedy: {
      en: `check that this is the right address: ${url.href}`,
      ja: `アドレスが正しいことを確認してください: ${url.href}`,
    },
  };
}

function describe({ way, milliseconds, outcome }: Attempt, fault: Fault | undefined): Localized {
  if (fault !== undefined) return { en: `${way}: ${fault.found.en}`, ja: `${way}: ${fault.found.ja}` };
  const { tlsVersion, certificate } = outcome.kind === 'answered' ? outcome.answer : {};
  const tls = tlsVersion === undefined ? '' : `, ${tlsVersion}`;
  const issuer = certificate?.issuer;
  return {
    en: `${way} ${milliseconds} ms${tls}${issuer === undefined ? '' : `, certificate of "${issuer}"`}`,
    ja: `${way} ${milliseconds} ms${tls}${issuer === undefined ? '' : `、証明書の発行者 "${issuer}"`}`,
  };
}

function join(lines: readonly Localized[]): Localized {
  return { en: lines.map(({ en }) => en).join('; '), ja: lines.map(({ ja }) => ja).join('、') };
}

function prefixed(place: string, { en, ja }: Localized): Localized {
  return { en: `${place}: ${en}`, ja: `${place}: ${ja}` };
}
