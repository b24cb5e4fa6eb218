import type { GatewayStatus } from '@culvert/contracts';
import { formatBytes, formatDuration, formatTime } from '@culvert/terminal-text/quantities.ts';
import type { CliContext } from '../commands.ts';
import { Gateway } from '../local-service/gateway.ts';
import { type Fact, printFacts, printJson } from '../output.ts';

/** Ends of sessions that a timer brought. */
const timedOut = ['sessionTimeout', 'idleTimeout', 'roamingTimeout', 'neverConnected'];

/** `server show status` */
export async function showStatus(context: CliContext, { json }: { json: boolean }): Promise<number> {
  const status = await new Gateway(context.server()).status();
  if (json) return printJson(status, context.terminal);
  printFacts(statusFacts(status, Date.now()), context);
  return 0;
}

/** The status for a person. */
export function statusFacts(status: GatewayStatus, now: number): Fact[] {
  const { engine, sessions, totals, tunnel, counters } = status;
  const number = (value: number | undefined) => String(value ?? 0);
  const handled = Object.values(totals.ended).reduce((sum, count) => sum + count, 0);
  const late = timedOut.reduce((sum, reason) => sum + (totals.ended[reason] ?? 0), 0);
  return [
    [{ en: 'Status', ja: '状態' }, engine.connected ? 'online' : 'starting'],
    [{ en: 'Address', ja: 'アドレス' }, `${status.publicAddress}:${status.listenPort}`],
    [{ en: 'Gateway version', ja: 'ゲートウェイのバージョン' }, status.version],
    [{ en: 'Engine version', ja: 'エンジンのバージョン' }, engine.version ?? ''],
    [{ en: 'Gateway process', ja: 'ゲートウェイのプロセス' }, number(status.processId)],
    [
      { en: 'Engine process', ja: 'エンジンのプロセス' },
      engine.processId === undefined ? '' : number(engine.processId),
    ],
    [{ en: 'Up since', ja: '起動日時' }, formatTime(status.startedAt)],
    [{ en: 'Uptime', ja: '稼働時間' }, formatDuration(now - status.startedAt)],
    [{ en: 'Connected devices', ja: '接続中のデバイス' }, number(sessions.connected)],
    [{ en: 'Sessions without tunnel', ja: 'トンネルのないセッション' }, number(sessions.away)],
    [{ en: 'Capacity', ja: '最大セッション数' }, number(sessions.capacity)],
    [{ en: 'Free addresses', ja: '空きアドレス' }, number(counters.addressesFree)],
    [{ en: 'Sign-ins', ja: 'サインイン' }, number(counters.signInsAccepted)],
    [{ en: 'Authentication failures', ja: '認証の失敗' }, number(counters.signInsRefused)],
    [{ en: 'Banned addresses', ja: '禁止中のアドレス' }, number(counters.bans)],
    [{ en: 'Sessions handled', ja: '終了したセッション' }, number(handled)],
    [{ en: 'Timed out sessions', ja: 'タイムアウトしたセッション' }, number(late)],
    [{ en: 'Connections failed', ja: '失敗した接続' }, number(counters.connectsFailed)],
    [
      { en: 'Average session', ja: 'セッションの平均時間' },
      handled === 0 ? '' : formatDuration(totals.averageSessionSeconds * 1000),
    ],
    [
      { en: 'Longest session', ja: 'セッションの最長時間' },
      handled === 0 ? '' : formatDuration(totals.longestSessionSeconds * 1000),
    ],
    [{ en: 'Received from devices', ja: 'デバイスからの受信量' }, formatBytes(totals.bytesIn)],
    [{ en: 'Sent to devices', ja: 'デバイスへの送信量' }, formatBytes(totals.bytesOut)],
    [{ en: 'Tunnel interface', ja: 'トンネルのインターフェイス' }, `${tunnel.interface}, MTU ${tunnel.mtu}`],
    [
      { en: 'Address pool', ja: 'アドレス プール' },
      [tunnel.network, tunnel.ipv6Network ?? ''].filter(Boolean).join(', '),
    ],
  ];
}
