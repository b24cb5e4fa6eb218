import { type ConfigurationReport, type DesiredConfiguration, describeFinding } from '@culvert/contracts';
import type { DamagedFile } from '../files/json-file.ts';
import type { GatewayClient, ReloadAnswer } from '../gateway/gateway-client.ts';
import { NotRunning } from '../gateway/unix-http.ts';
import type { MonitorClient } from '../monitor/monitor-client.ts';
import type { ApplyMode, Change, ConfigurationStore } from './configuration-store.ts';
import { type GatewaySettings, readGatewayFile, settingsOf, writeSettings } from './gateway-file.ts';
import type { HealthCheck } from './health-check.ts';

/** Milliseconds for the gateway to be well. */
const patience = { reload: 10_000, restart: 60_000, absent: 15_000 };
/** Of a reason, in the document. */
const longestReason = 4000;

export interface ApplyOptions {
  gatewayFile: string;
  store: ConfigurationStore;
  gateway: Pick<GatewayClient, 'status' | 'reload'>;
  monitor: Pick<MonitorClient, 'restart'>;
  isHealthy: HealthCheck;
  now: () => Date;
}

/** Why a configuration is not used: what was found, and what to do. */
class NotApplied extends Error {
  override readonly name = 'NotApplied';
}

/**
 * Brings a configuration into use: written whole, read by the gateway, and kept only if the gateway is well with it;
 * otherwise the last good one comes back. Resolves to what became of it. However it is cut off, `finish` brings it to an
 * end at the next start.
 */
export async function apply(
  options: ApplyOptions,
  desired: DesiredConfiguration,
  mode: ApplyMode,
): Promise<ConfigurationReport> {
  const { store, gatewayFile, now } = options;
  const change = { desired, mode, begunAt: now().toISOString() };
  try {
    // Nothing is under way, so this is what the gateway runs with.
    const present = settingsOf(await readGatewayFile(gatewayFile));
    const { appliedRevision } = (await store.state.read()) ?? {};
    await store.lastGood.write({
      ...present,
      ...(appliedRevision === undefined ? {} : { revision: appliedRevision }),
    });
  } catch (error) {
    return report(options, desired, `${words(error)}; mend the file on the server`);
  }
  await store.change.write(change);
  return carryOut(options, change);
}

/** Ends a change that an earlier process was killed in; undefined when there was none. `damaged` hears of one that cannot be read. */
export async function finish(
  options: ApplyOptions,
  damaged: (error: DamagedFile) => void,
): Promise<ConfigurationReport | undefined> {
  const change = await options.store.change.readOrPutAside(damaged);
  return change === undefined ? undefined : carryOut(options, change);
}

async function carryOut(options: ApplyOptions, change: Change): Promise<ConfigurationReport> {
  const { store } = options;
  const { desired, mode } = change;
  let reason: string | undefined;
  try {
    await writeSettings(options.gatewayFile, desired);
    await use(options, mode, change.begunAt);
  } catch (error) {
    reason = words(error);
  }
  if (reason !== undefined) reason += await goBack(options, mode);
  const result = await report(options, desired, reason);
  if (reason === undefined) await store.lastGood.write(desired);
  await store.endChange();
  return result;
}

/** Makes the gateway use its file. Throws when it does not, or is not well. */
async function use(options: ApplyOptions, mode: ApplyMode, begunAt: string): Promise<void> {
  const { gateway, monitor } = options;
  if (mode === 'restart') {
    const startedAt = (await gateway.status().catch(() => undefined))?.startedAt ?? 0;
    // One that was started after the change was written has read it.
    if (startedAt <= Date.parse(begunAt)) await monitor.restart('server');
    await requireHealth(options, patience.restart);
    return;
  }
  const answer = await reload(options);
  if (answer === undefined) {
    await monitor.restart('server');
    await requireHealth(options, patience.restart);
    return;
  }
  if (answer.applied) {
    await requireHealth(options, patience.reload);
    return;
  }
  if (answer.needsRestart && (await hasNoSession(gateway))) {
    // Nobody notices: a server that has just joined, for example, gets the pool of its site at once.
    await monitor.restart('server');
    await requireHealth(options, patience.restart);
    return;
  }
  const problems = answer.problems
    .map(({ path, message, found }) =>
      describeFinding(found === undefined ? { path, message } : { path, message, found }),
    )
    .join('; ');
  throw new NotApplied(
    answer.needsRestart
      ? `${problems}; send the command restartServer to apply it, which ends its tunnels; devices connect again by themselves`
      : problems,
  );
}

async function hasNoSession(gateway: ApplyOptions['gateway']): Promise<boolean> {
  const { sessions } = await gateway.status();
  return sessions.connected + sessions.away === 0;
}

/** Undefined when the gateway is away and does not come by itself. */
async function reload({ gateway, isHealthy }: ApplyOptions): Promise<ReloadAnswer | undefined> {
  const ask = () =>
    gateway.reload().catch((error: unknown) => {
      if (error instanceof NotRunning) return undefined;
      throw error;
    });
  const answer = await ask();
  if (answer !== undefined || (await isHealthy(patience.absent)) !== undefined) return answer;
  // It was just being started, perhaps with the file of before.
  return ask();
}

async function requireHealth({ isHealthy }: ApplyOptions, limit: number): Promise<void> {
  const trouble = await isHealthy(limit);
  if (trouble !== undefined) throw new NotApplied(`with this configuration ${trouble}`);
}

/** Brings the last good configuration back; resolves to what to add to the reason. */
async function goBack(options: ApplyOptions, mode: ApplyMode): Promise<string> {
  const { store, gatewayFile, now } = options;
  try {
    const good: GatewaySettings | undefined = await store.lastGood.read();
    if (good === undefined) return '; there is none to go back to';
    await writeSettings(gatewayFile, good);
    await use(options, mode, now().toISOString());
    return '';
  } catch (error) {
    return `; the configuration of before was put back, but ${words(error)}`;
  }
}

async function report(
  { store, now }: ApplyOptions,
  desired: DesiredConfiguration,
  reason: string | undefined,
): Promise<ConfigurationReport> {
  const before = (await store.state.read()) ?? {};
  const result: ConfigurationReport = {
    revision: desired.revision,
    status: reason === undefined ? 'applied' : 'failed',
    ...(reason === undefined ? {} : { reason: reason.slice(0, longestReason) }),
    at: now().toISOString(),
  };
  const applied = reason === undefined ? desired.revision : before.appliedRevision;
  await store.state.write({
    desired,
    report: result,
    ...(applied === undefined ? {} : { appliedRevision: applied }),
  });
  return result;
}

function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
