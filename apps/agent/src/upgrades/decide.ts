import type { MonitorStatus } from '@culvert/contracts';

/** Milliseconds before a version that did not do well is tried again. */
export const retryMilliseconds = 600_000;

/** True when the monitor is to be asked for the version that the site wants. `now` in Unix milliseconds. */
export function shouldUpgrade(
  desired: string | undefined,
  { version, upgrade }: Pick<MonitorStatus, 'version' | 'upgrade'>,
  now: number,
): boolean {
  if (desired === undefined || desired === version || upgrade?.state === 'running') return false;
  const hasFailed = upgrade?.state === 'failed' && upgrade.version === desired;
  return !hasFailed || Math.abs(now - Date.parse(upgrade.at)) >= retryMilliseconds;
}
