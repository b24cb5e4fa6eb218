import { banViewSchema, describeFinding, type SessionView, sessionViewSchema } from '@culvert/contracts';
import { formatBytes, formatDuration } from '@culvert/terminal-text/quantities.ts';
import { formatTable } from '@culvert/terminal-text/table.ts';
import { z } from 'zod';
import { AdministrationClient, CommandFailure } from '../client.ts';
import type { Terminal } from '../terminal.ts';

interface Common {
  config: string;
  json?: boolean;
}

/** `gateway sessions` */
export async function sessions({ config, json }: Common, terminal: Terminal): Promise<number> {
  const answer = z
    .object({ sessions: z.array(sessionViewSchema) })
    .parse(await client(config).get('/sessions'));
  if (json === true) return printJson(answer.sessions, terminal);
  if (answer.sessions.length === 0) return print('No sessions.', terminal);
  const headings = [
    'ID',
    'USER',
    'STATE',
    'CHANNEL',
    'IPV4',
    'FROM',
    'DEVICE',
    'SIGNED IN>',
    'ENDS IN>',
    'IN>',
    'OUT>',
  ];
  const rows = answer.sessions.map((session) => sessionRow(session, Date.now()));
  return print(formatTable(headings, rows), terminal);
}

/** One line of the table of sessions. */
export function sessionRow(session: SessionView, now: number): string[] {
  const device = [session.platform, session.hostname].filter((part) => part !== undefined).join(' ');
  return [
    session.id,
    session.user,
    session.state,
    session.channel,
    session.ipv4,
    session.remoteAddress ?? '-',
    device === '' ? '-' : device,
    formatDuration(now - session.signedInAt),
    formatDuration(session.endsAt - now),
    formatBytes(session.bytesIn),
    formatBytes(session.bytesOut),
  ];
}

/** `gateway disconnect` */
export async function disconnect(
  { config, ...body }: { config: string; session?: string; user?: string; message?: string },
  terminal: Terminal,
): Promise<number> {
  const answer = z.object({ disconnected: z.int() }).parse(await client(config).post('/disconnect', body));
  if (answer.disconnected === 0) {
    throw new CommandFailure(
      body.session === undefined ? `${body.user} has no session` : `there is no session ${body.session}`,
    );
  }
  return print(
    `Disconnected ${answer.disconnected} session${answer.disconnected === 1 ? '' : 's'}.`,
    terminal,
  );
}

/** `gateway bans` */
export async function bans({ config, json }: Common, terminal: Terminal): Promise<number> {
  const answer = z.object({ bans: z.array(banViewSchema) }).parse(await client(config).get('/bans'));
  if (json === true) return printJson(answer.bans, terminal);
  if (answer.bans.length === 0) return print('No address is banned.', terminal);
  const rows = answer.bans.map(({ address, failures, until }) => [
    address,
    String(failures),
    formatDuration(until - Date.now()),
  ]);
  return print(formatTable(['ADDRESS', 'FAILURES>', 'ENDS IN>'], rows), terminal);
}

/** `gateway unban` */
export async function unban(
  { config, address, all }: { config: string; address?: string; all?: boolean },
  terminal: Terminal,
): Promise<number> {
  const body = all === true ? { all } : { address };
  const { lifted } = z.object({ lifted: z.int() }).parse(await client(config).post('/unban', body));
  if (lifted === 0 && all !== true) throw new CommandFailure(`${address} is not banned`);
  return print(`Lifted ${lifted} ban${lifted === 1 ? '' : 's'}.`, terminal);
}

const findingSchema = z.object({ path: z.string(), found: z.string().exactOptional(), message: z.string() });

/** `gateway reload` */
export async function reload({ config }: Common, terminal: Terminal): Promise<number> {
  const { applied, problems, warnings } = z
    .object({ applied: z.boolean(), problems: z.array(findingSchema), warnings: z.array(findingSchema) })
    .parse(await client(config).post('/reload'));
  for (const problem of problems) terminal.complain(`  problem  ${describeFinding(problem)}`);
  for (const warning of warnings) terminal.print(`  warning  ${describeFinding(warning)}`);
  if (applied) return print('The gateway uses the new configuration.', terminal);
  terminal.complain('The gateway keeps the configuration that it had.');
  return 1;
}

const statusSchema = z.object({
  version: z.string(),
  file: z.string(),
  publicAddress: z.string(),
  listenPort: z.int(),
  startedAt: z.int(),
  engine: z.object({
    connected: z.boolean(),
    version: z.string().optional(),
    counters: z.record(z.string(), z.number()),
  }),
  counters: z.record(z.string(), z.number()),
});

/** `gateway status` */
export async function status({ config, json }: Common, terminal: Terminal): Promise<number> {
  const answer = statusSchema.parse(await client(config).get('/status'));
  if (json === true) return printJson(answer, terminal);
  const texts = (counters: Record<string, number>) =>
    Object.entries(counters).map(([name, value]) => [name, String(value)]);
  const gateway = [
    ['configuration', answer.file],
    ['address', `${answer.publicAddress} port ${answer.listenPort}`],
    ['version', answer.version],
    ['runs for', formatDuration(Date.now() - answer.startedAt)],
    ...texts(answer.counters),
  ];
  const engine = [
    ...(answer.engine.version === undefined ? [] : [['version', answer.engine.version]]),
    ['state', answer.engine.connected ? 'connected' : 'away: it is being started again'],
    ...texts(answer.engine.counters),
  ];
  // Apart, because both count sessions: the gateway those that are signed in, the engine those with a tunnel.
  const tables = [formatTable(['GATEWAY', ''], gateway), formatTable(['ENGINE', ''], engine)];
  return print(tables.join('\n\n'), terminal);
}

function client(config: string): AdministrationClient {
  return new AdministrationClient(config);
}

function print(text: string, terminal: Terminal): number {
  terminal.print(text);
  return 0;
}

function printJson(value: unknown, terminal: Terminal): number {
  return print(JSON.stringify(value, null, 2), terminal);
}
