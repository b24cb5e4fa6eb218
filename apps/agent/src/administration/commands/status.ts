import { askLocally, NotRunning } from '../../gateway/unix-http.ts';
import type { HostPaths } from '../../host-paths.ts';
import { type LocalStatus, localStatusSchema } from '../../status/local-status.ts';
import type { Terminal } from '../terminal.ts';

const patience = 5_000;

/** `agent status`: exit status 0 when the control plane answers this server, 1 when it does not. */
export async function status(
  { agentSocket, directory }: HostPaths,
  { json }: { json?: boolean },
  terminal: Terminal,
): Promise<number> {
  const answer = await askLocally({
    socketPath: agentSocket,
    method: 'GET',
    path: '/status',
    patience,
  }).catch((error: unknown) => {
    if (!(error instanceof NotRunning)) throw error;
    throw new Error(`no agent runs for ${directory}; start it with "agent run --directory ${directory}"`);
  });
  const told = localStatusSchema.parse(answer.body);
  terminal.print(json === true ? JSON.stringify(told) : describe(told));
  return told.joined && told.problem === undefined ? 0 : 1;
}

function describe(told: LocalStatus): string {
  const rows: [string, string | undefined][] = [
    ['version', told.version],
    ['server', told.serverId ?? 'has not joined'],
    ['site', told.siteId],
    ['control plane', told.controlPlane],
    ['last check-in', told.lastCheckInAt ?? 'none yet'],
    ['configuration', told.appliedRevision],
    ['certificate until', told.certificateNotAfter],
    ['problem', told.problem],
  ];
  return rows
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name.padEnd(18)} ${value}`]))
    .join('\n');
}
