import { expect, test } from 'vitest';
import { hostPaths } from './host-paths.ts';

test('the monitor is asked beside the gateway, or where the environment says', () => {
  expect(hostPaths('/state').monitorSocket).toBe('/state/run/monitor.sock');
  const elsewhere = { CULVERT_MONITOR_SOCKET: '/run/mstunnel/monitor.sock' };
  const { monitorSocket, adminSocket } = hostPaths('/etc/mstunnel', elsewhere);
  expect(monitorSocket).toBe('/run/mstunnel/monitor.sock');
  expect(adminSocket).toBe('/etc/mstunnel/run/admin.sock');
});
