import { formatDuration, formatTime } from '@culvert/terminal-text/quantities.ts';
import { formatTable } from '@culvert/terminal-text/table.ts';
import type { CliContext } from '../commands.ts';
import { Gateway } from '../local-service/gateway.ts';
import { printJson } from '../output.ts';

/** `server show ip bans` */
export async function showBans(context: CliContext, { json }: { json: boolean }): Promise<number> {
  const { terminal, say } = context;
  const bans = await new Gateway(context.server()).bans();
  if (json) return printJson(bans, terminal);
  if (bans.length === 0) {
    terminal.print(say({ en: 'No address is banned.', ja: '禁止中のアドレスはありません。' }));
    return 0;
  }
  const headings = [
    say({ en: 'ADDRESS', ja: 'アドレス' }),
    `${say({ en: 'FAILURES', ja: '失敗' })}>`,
    say({ en: 'UNTIL', ja: '解除日時' }),
    `${say({ en: 'LEFT', ja: '残り' })}>`,
  ];
  const rows = bans.map(({ address, failures, until }) => [
    address,
    String(failures),
    formatTime(until),
    formatDuration(until - Date.now()),
  ]);
  terminal.print(formatTable(headings, rows));
  return 0;
}

/** `server show ip ban points` */
export async function showBanPoints(context: CliContext, { json }: { json: boolean }): Promise<number> {
  const { terminal, say } = context;
  const answer = await new Gateway(context.server()).banPoints();
  if (json) return printJson(answer, terminal);
  if (answer.points.length === 0) {
    terminal.print(
      say({ en: 'No address has failed sign-ins.', ja: 'サインインに失敗したアドレスはありません。' }),
    );
    return 0;
  }
  const headings = [
    say({ en: 'ADDRESS', ja: 'アドレス' }),
    `${say({ en: 'FAILURES', ja: '失敗' })}>`,
    say({ en: 'BANNED UNTIL', ja: '禁止の解除日時' }),
  ];
  const rows = answer.points.map(({ address, failures, bannedUntil }) => [
    address,
    `${failures}/${answer.failuresBeforeBan}`,
    bannedUntil === undefined ? '-' : formatTime(bannedUntil),
  ]);
  terminal.print(formatTable(headings, rows));
  return 0;
}

/** `server show iroutes`: nothing, and why. */
export async function showRoutesOfDevices(context: CliContext, { json }: { json: boolean }): Promise<number> {
  const sentence = context.say({
    en: 'There are none: devices connect only themselves and offer no networks.',
    ja: 'ありません。デバイスは自身のみを接続し、ネットワークを提供しません。',
  });
  if (!json) {
    context.terminal.print(sentence);
    return 0;
  }
  context.terminal.complain(sentence);
  return printJson([], context.terminal);
}
