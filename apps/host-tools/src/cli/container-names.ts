import type { MonitoredProcess } from '@culvert/contracts';

/** Containers of a server, which are also the names of their logs. */
export const containerNames: Readonly<Record<MonitoredProcess, string>> = {
  server: 'mstunnel-server',
  agent: 'mstunnel-agent',
};
