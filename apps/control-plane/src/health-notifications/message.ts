import type { Cause, OverallStatus } from '../health-status/overall.ts';
import { causeText, type Language, statusNames } from '../health-status/words.ts';

/** A server whose health has changed. */
export interface ServerChange {
  serverId: string;
  serverName: string;
  siteId: string;
  siteName: string;
  from: OverallStatus;
  to: OverallStatus;
  causes: readonly Cause[];
  at: string;
}

/** What is told, in no language yet. A test tells of no server. */
export interface Message {
  changes: readonly ServerChange[];
}

/**
 * What is left of changes, oldest first, when each server is told of once: from what it was to what it is. A server that is
 * again as it was is not told of. By site and by name.
 */
export function netChanges(changes: readonly ServerChange[]): ServerChange[] {
  const net = [...Map.groupBy(changes, ({ serverId }) => serverId).values()].flatMap((ofServer) => {
    const [first, last] = [ofServer[0], ofServer.at(-1)];
    if (first === undefined || last === undefined || first.from === last.to) return [];
    return [{ ...last, from: first.from }];
  });
  return net.sort(
    (one, other) => byText(one.siteName, other.siteName) || byText(one.serverName, other.serverName),
  );
}

function byText(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}

/** Servers that a text names; a message about a thousand says how many more there are. */
const mostNamed = 100;

/** A message as a person reads it. */
export function textOf({ changes }: Message, language: Language): { subject: string; body: string } {
  const words = language === 'ja' ? japanese : english;
  const [first] = changes;
  if (first === undefined) return { subject: words.testSubject, body: words.test };
  const subject =
    changes.length === 1
      ? words.oneSubject(oneLine(first.serverName), statusNames[first.to][language])
      : words.manySubject(changes.length);
  const lines = changes.slice(0, mostNamed).map((change) => {
    const { to, from, causes, serverName, siteName, at } = change;
    const place = `${oneLine(serverName)} (${oneLine(siteName)})`;
    const status = words.change(statusNames[to][language], statusNames[from][language]);
    return `${place}: ${status}\n  ${causeText(to, causes, language)}\n  ${at}`;
  });
  const rest = changes.length - lines.length;
  return { subject, body: [...lines, ...(rest > 0 ? [words.more(rest)] : [])].join('\n\n') };
}

const english = {
  testSubject: 'Culvert: test message',
  test: 'This is a test. Messages of the control plane about the health of servers arrive here.',
  oneSubject: (server: string, status: string) => `Culvert: ${server} ${status}`,
  manySubject: (count: number) => `Culvert: the health of ${count} servers has changed`,
  change: (to: string, from: string) => `${to} (before: ${from})`,
  more: (count: number) => `and ${count} more servers`,
};

const japanese: typeof english = {
  testSubject: 'Culvert: テストメッセージ',
  test: 'これはテストです。サーバーの正常性についてのメッセージはここに届きます。',
  oneSubject: (server, status) => `Culvert: ${server} ${status}`,
  manySubject: (count) => `Culvert: ${count} 台のサーバーの正常性が変わりました`,
  change: (to, from) => `${to} (以前: ${from})`,
  more: (count) => `ほかに ${count} 台のサーバー`,
};

/** Names are of administrators and may hold anything; a subject is one line. */
function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ');
}

/** The body of a webhook. `text` is what chat services show. */
export function webhookBody(message: Message, language: Language, at: Date): string {
  const { subject, body } = textOf(message, language);
  return JSON.stringify({
    type: message.changes.length === 0 ? 'test' : 'server.health.changed',
    timestamp: at.toISOString(),
    text: `${subject}\n\n${body}`,
    data: {
      servers: message.changes.map((change) => ({
        id: change.serverId,
        displayName: change.serverName,
        site: { id: change.siteId, displayName: change.siteName },
        status: change.to,
        previousStatus: change.from,
        reason: causeText(change.to, change.causes, language),
        dateTime: change.at,
      })),
    },
  });
}
