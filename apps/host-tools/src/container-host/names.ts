import type { MonitoredProcess } from '@culvert/contracts';

/** Names of the containers of a server. */
export const containerNames: Readonly<Record<MonitoredProcess, string>> = {
  server: 'mstunnel-server',
  agent: 'mstunnel-agent',
};

/** The container of before is kept under this name until the new one is well. */
export function previousName(container: string): string {
  return `${container}-previous`;
}
