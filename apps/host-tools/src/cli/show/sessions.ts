import type { GatewayStatus, SessionView } from '@culvert/contracts';
import { formatBytes, formatDuration, formatTime } from '@culvert/terminal-text/quantities.ts';
import { formatTable } from '@culvert/terminal-text/table.ts';
import type { Localized } from '../../program/language.ts';
import type { CliContext } from '../commands.ts';
import { Gateway } from '../local-service/gateway.ts';
import { type Fact, printFacts, printJson } from '../output.ts';
import { sessionOf, sessionsOfUser, shortIds } from '../sessions/session-ids.ts';
import type { Show } from './show.ts';

const nobody: Localized = { en: 'No device is connected.', ja: '接続中のデバイスはありません。' };
const noSession: Localized = { en: 'There are no sessions.', ja: 'セッションはありません。' };

/** `server show users`: who has a tunnel at this moment. */
export async function showUsers(context: CliContext, { json }: { json: boolean }): Promise<number> {
  const { terminal, say } = context;
  const sessions = await new Gateway(context.server()).sessions();
  const connected = sessions.filter(({ state }) => state === 'connected');
  if (json) return printJson(connected, terminal);
  if (connected.length === 0) terminal.print(say(nobody));
  else terminal.print(userTable(connected, Date.now(), say));
  return 0;
}

/** Connected devices, one in a line. */
export function userTable(
  sessions: readonly SessionView[],
  now: number,
  say: (text: Localized) => string,
): string {
  const ids = shortIds(sessions.map(({ id }) => id));
  return formatTable(
    [
      'ID',
      say({ en: 'USER', ja: 'ユーザー' }),
      say({ en: 'DEVICE', ja: 'デバイス' }),
      say({ en: 'ADDRESS', ja: 'アドレス' }),
      say({ en: 'FROM', ja: '接続元' }),
      say({ en: 'BY', ja: '経路' }),
      `${say({ en: 'FOR', ja: '接続時間' })}>`,
      `${say({ en: 'RX', ja: '受信' })}>`,
      `${say({ en: 'TX', ja: '送信' })}>`,
    ],
    sessions.map((session) => [
      ids.get(session.id) ?? session.id,
      session.user,
      deviceOf(session),
      session.ipv4,
      session.remoteAddress ?? '-',
      session.channel,
      formatDuration(now - (session.connectedAt ?? session.signedInAt)),
      formatBytes(session.bytesIn),
      formatBytes(session.bytesOut),
    ]),
  );
}

/** `server show user NAME` */
export async function showUser(
  context: CliContext,
  options: { json: boolean },
  name: string,
): Promise<number> {
  const gateway = new Gateway(context.server());
  const sessions = sessionsOfUser(await gateway.sessions(), name);
  return showDetails(context, options, sessions, await gateway.status());
}

/** `server show session SID` and `server show id ID`: a connection of a device is its session. */
export async function showSession(
  context: CliContext,
  options: { json: boolean },
  id: string,
): Promise<number> {
  const gateway = new Gateway(context.server());
  const session = sessionOf(await gateway.sessions({ ending: true }), id);
  return showDetails(context, options, [session], await gateway.status());
}

function showDetails(
  context: CliContext,
  { json }: { json: boolean },
  sessions: readonly SessionView[],
  { tunnel }: GatewayStatus,
): number {
  const { terminal } = context;
  if (json) {
    const [first] = sessions;
    const details = sessions.map((session) => ({ ...session, tunnel }));
    return printJson(first !== undefined && details.length === 1 ? details[0] : details, terminal);
  }
  for (const [index, session] of sessions.entries()) {
    if (index > 0) terminal.print('');
    printFacts(sessionFacts(session, tunnel), context);
  }
  return 0;
}

/** Everything about one session, for a person. */
export function sessionFacts(session: SessionView, tunnel: GatewayStatus['tunnel']): Fact[] {
  const time = (value: number | undefined) => (value === undefined ? '' : formatTime(value));
  return [
    [{ en: 'Session', ja: 'セッション' }, session.id],
    [{ en: 'User', ja: 'ユーザー' }, session.user],
    [{ en: 'State', ja: '状態' }, session.state],
    [{ en: 'Device', ja: 'デバイス' }, deviceOf(session)],
    [{ en: 'Device type', ja: 'デバイスの種類' }, session.deviceType ?? ''],
    [{ en: 'User agent', ja: 'ユーザー エージェント' }, session.userAgent ?? ''],
    [{ en: 'Remote address', ja: '接続元アドレス' }, session.remoteAddress ?? ''],
    [{ en: 'IPv4', ja: 'IPv4' }, session.ipv4],
    [{ en: 'IPv6', ja: 'IPv6' }, session.ipv6 ?? ''],
    [{ en: 'Tunnel interface', ja: 'トンネルのインターフェイス' }, tunnel.interface],
    [{ en: 'Packets go by', ja: 'パケットの経路' }, session.channel],
    [{ en: 'TLS', ja: 'TLS' }, session.tls ?? ''],
    [{ en: 'DTLS', ja: 'DTLS' }, session.dtls ?? ''],
    [{ en: 'MTU', ja: 'MTU' }, session.mtu === undefined ? '' : String(session.mtu)],
    [{ en: 'Dead peer detection', ja: '切断検出の間隔' }, `${tunnel.deadPeerDetectionSeconds} s`],
    [{ en: 'Signed in', ja: 'サインイン日時' }, formatTime(session.signedInAt)],
    [{ en: 'Connected', ja: '接続日時' }, time(session.connectedAt)],
    [{ en: 'Last heard', ja: '最終通信日時' }, time(session.lastActivityAt)],
    [{ en: 'Ends', ja: '終了予定日時' }, formatTime(session.endsAt)],
    [{ en: 'Received', ja: '受信量' }, formatBytes(session.bytesIn)],
    [{ en: 'Sent', ja: '送信量' }, formatBytes(session.bytesOut)],
    [{ en: 'DNS', ja: 'DNS' }, tunnel.dnsServers.join(', ')],
    [{ en: 'Split DNS', ja: 'スプリット DNS' }, tunnel.splitDns.join(', ')],
    [{ en: 'Domain', ja: 'ドメイン' }, tunnel.defaultDomainSuffix ?? ''],
    [{ en: 'Routes', ja: 'ルート' }, tunnel.routeIncludes.join(', ') || 'default'],
    [{ en: 'No routes', ja: '除外ルート' }, tunnel.routeExcludes.join(', ')],
  ];
}

/** `server show sessions all` and `valid` */
export function showSessions(which: 'all' | 'valid'): Show {
  return async (context, { json }) => {
    const { terminal, say } = context;
    const now = Date.now();
    const sessions = await new Gateway(context.server()).sessions({ ending: which === 'all' });
    const wanted = which === 'all' ? sessions : sessions.filter(({ endsAt }) => endsAt > now);
    if (json) return printJson(wanted, terminal);
    if (wanted.length === 0) terminal.print(say(noSession));
    else terminal.print(sessionTable(wanted, say));
    return 0;
  };
}

/** Sessions, one in a line. */
export function sessionTable(sessions: readonly SessionView[], say: (text: Localized) => string): string {
  const ids = shortIds(sessions.map(({ id }) => id));
  return formatTable(
    [
      say({ en: 'SESSION', ja: 'セッション' }),
      say({ en: 'USER', ja: 'ユーザー' }),
      say({ en: 'STATE', ja: '状態' }),
      say({ en: 'SIGNED IN', ja: 'サインイン' }),
      say({ en: 'ENDS', ja: '終了予定' }),
      say({ en: 'FROM', ja: '接続元' }),
      say({ en: 'USER AGENT', ja: 'ユーザー エージェント' }),
    ],
    sessions.map((session) => [
      ids.get(session.id) ?? session.id,
      session.user,
      session.state,
      formatTime(session.signedInAt),
      formatTime(session.endsAt),
      session.remoteAddress ?? '-',
      session.userAgent ?? '-',
    ]),
  );
}

/** `server show cookies all` and `valid`: the sessions that the cookies belong to. */
export function showCookies(which: 'all' | 'valid'): Show {
  return async (context, options, word) => {
    context.terminal.complain(
      context.say({
        en: 'The gateway keeps only hashes of cookies, so none can be shown; these are their sessions.',
        ja: 'ゲートウェイは Cookie のハッシュのみを保持しているため、Cookie は表示できません。対応するセッションを表示します。',
      }),
    );
    return showSessions(which)(context, options, word);
  };
}

function deviceOf({ platform, hostname }: SessionView): string {
  return [platform, hostname].filter((part) => part !== undefined).join(' ') || '-';
}
