import { createInterface } from 'node:readline';
import { json } from 'node:stream/consumers';
import { type GatewayEvent, gatewayEventSchema } from '@culvert/contracts';
import { formatBytes, formatDuration, formatTime } from '@culvert/terminal-text/quantities.ts';
import { printable } from '@culvert/terminal-text/table.ts';
import type { Localized } from '../../program/language.ts';
import type { CliContext } from '../commands.ts';
import { openAnswer, refusal } from '../local-service/local-service.ts';
import { gatewayService } from '../local-service/services.ts';

/** `server show events`: until Ctrl-C, or until the gateway ends. */
export async function showEvents(context: CliContext, options: { json: boolean }): Promise<number> {
  const { terminal, say } = context;
  const service = gatewayService(context.server().layout);
  const response = await openAnswer(service, { method: 'GET', path: '/events' });
  if (response.statusCode !== 200) {
    const body = await json(response).catch(() => undefined);
    throw refusal(service, response.statusCode ?? 0, body);
  }
  const stop = () => response.destroy();
  process.once('SIGINT', stop);
  try {
    for await (const line of createInterface({ input: response })) {
      const event = readEvent(line);
      if (event !== undefined)
        terminal.print(options.json ? JSON.stringify(event) : say(describeEvent(event)));
    }
  } catch (error) {
    // Cut by Ctrl-C or by the end of the gateway: both are the end of what there is to see.
    if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error;
  } finally {
    process.removeListener('SIGINT', stop);
  }
  return 0;
}

/** The event of a line; undefined for one of a gateway that knows more. */
function readEvent(line: string): GatewayEvent | undefined {
  try {
    return gatewayEventSchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

const reasons: Record<string, Localized> = {
  clientDisconnect: { en: 'the device disconnected', ja: 'デバイスによる切断' },
  logout: { en: 'signed out', ja: 'サインアウト' },
  roamingTimeout: { en: 'the device did not come back', ja: 'デバイスの復帰なし' },
  idleTimeout: { en: 'idle for too long', ja: '無通信' },
  sessionTimeout: { en: 'the time of the session was over', ja: 'セッションの時間切れ' },
  neverConnected: { en: 'never connected', ja: '未接続' },
  detached: { en: 'ended by an administrator', ja: '管理者による終了' },
  replaced: { en: 'replaced by another device of the user', ja: '同じユーザーの別デバイスによる置き換え' },
  networkChanged: { en: 'the network of the server changed', ja: 'サーバーのネットワークの変更' },
};

/** One line for a person. */
export function describeEvent(event: GatewayEvent): Localized {
  const time = formatTime(Date.parse(event.time));
  const who = printable(event.user ?? '?');
  const from = printable(event.remoteAddress ?? '?');
  const line = (en: string, ja: string) => ({ en: `${time}  ${en}`, ja: `${time}  ${ja}` });
  switch (event.event) {
    case 'signIn': {
      if (event.result === 'accepted') {
        return line(`signed in      ${who} from ${from}`, `サインイン   ${who} (接続元: ${from})`);
      }
      const why = printable(event.reason ?? '?');
      return line(
        `sign-in refused ${who} from ${from}: ${why}`,
        `サインイン拒否 ${who} (接続元: ${from}): ${why}`,
      );
    }
    case 'connect':
      return line(
        `connected      ${who} from ${from}, ${printable(event.ipv4 ?? '?')}`,
        `接続         ${who} (接続元: ${from}、アドレス: ${printable(event.ipv4 ?? '?')})`,
      );
    case 'reconnect':
      return line(`reconnected    ${who} from ${from}`, `再接続       ${who} (接続元: ${from})`);
    case 'end': {
      const known = reasons[event.reason ?? ''];
      const other = printable(event.reason ?? '?');
      const amount = `${formatDuration((event.durationSeconds ?? 0) * 1000)}, RX ${formatBytes(event.bytesIn ?? 0)}, TX ${formatBytes(event.bytesOut ?? 0)}`;
      return line(
        `disconnected   ${who}: ${known?.en ?? other} (${amount})`,
        `切断         ${who}: ${known?.ja ?? other} (${amount})`,
      );
    }
    case 'ban': {
      const address = printable(event.address ?? '?');
      const until = event.until === undefined ? '?' : formatTime(event.until);
      return line(`banned         ${address} until ${until}`, `禁止         ${address} (${until} まで)`);
    }
    case 'missed':
      return line(
        `${event.count ?? 0} events were left out here: this reader was too slow`,
        `表示が追いつかず、${event.count ?? 0} 件のイベントが省略されました`,
      );
  }
}
