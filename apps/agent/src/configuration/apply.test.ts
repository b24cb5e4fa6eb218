import { writeFile } from 'node:fs/promises';
import type { DesiredConfiguration } from '@culvert/contracts';
import { serverConfigurationSchema } from '@culvert/contracts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { GatewayClient } from '../gateway/gateway-client.ts';
import { MonitorClient } from '../monitor/monitor-client.ts';
import { TestHost } from '../testing/host.ts';
import { type ApplyOptions, apply, finish } from './apply.ts';
import { ConfigurationStore } from './configuration-store.ts';
import { readGatewayFile } from './gateway-file.ts';
import { healthCheck } from './health-check.ts';

let host: TestHost;

beforeEach(async () => {
  host = await TestHost.make();
  await host.startGateway();
  await host.startMonitor();
});
afterEach(() => host.remove());

function options(further: Partial<ApplyOptions> = {}): ApplyOptions {
  const gateway = new GatewayClient(host.paths.adminSocket);
  const configuration = async () => (await readGatewayFile(host.paths.gatewayFile)).configuration;
  const check = healthCheck(gateway, configuration);
  return {
    gatewayFile: host.paths.gatewayFile,
    store: new ConfigurationStore(host.paths.agentDirectory),
    gateway,
    monitor: new MonitorClient(host.paths.monitorSocket),
    // The patience of the product is for machines that are busy.
    isHealthy: (patience) => check(Math.min(patience, 600)),
    now: () => new Date(),
    ...further,
  };
}

function desired(change: Record<string, unknown> = {}, revision = '1'.repeat(16)): DesiredConfiguration {
  const { serverConfiguration } = host.document();
  return {
    revision,
    publicAddress: 'vpn.example.com',
    serverConfiguration: serverConfigurationSchema.parse({
      ...(serverConfiguration as object),
      routeIncludes: ['10.1.0.0/16'],
      ...change,
    }),
  };
}

const routesOf = (document: Record<string, unknown>) =>
  (document.serverConfiguration as { routeIncludes?: string[] }).routeIncludes;

const unexpected = (error: Error) => {
  throw error;
};

describe('a configuration of the site', () => {
  test('is written beside everything else in the file, and used', async () => {
    await writeFile(host.paths.gatewayFile, JSON.stringify(host.document({ drainSeconds: 7 })));
    expect(await apply(options(), desired(), 'reload')).toMatchObject({ status: 'applied' });
    expect(routesOf(host.inUse)).toEqual(['10.1.0.0/16']);
    expect(await host.file()).toMatchObject({ drainSeconds: 7, tls: host.document().tls });
    expect(host.monitorCalls).toEqual([]);
  });

  test('that the gateway refuses is taken back, and the report names the field', async () => {
    host.behaviour.reload = (document) =>
      (routesOf(document)?.length ?? 0) === 0
        ? { applied: true, problems: [] }
        : { applied: false, problems: [{ path: 'tls', message: 'no certificate' }] };
    const report = await apply(options(), desired(), 'reload');
    expect(report).toMatchObject({ status: 'failed', reason: 'tls: no certificate' });
    expect(routesOf(await host.file()) ?? []).toEqual([]);
  });

  test('with which the gateway is not well is taken back', async () => {
    const report = await apply(options(), desired({ listenPort: 1 }), 'reload');
    expect(report.reason).toContain('port 1 of the gateway cannot be reached');
    expect(await host.file()).toMatchObject({ serverConfiguration: { listenPort: host.port } });
    expect(host.inUse).toMatchObject({ serverConfiguration: { listenPort: host.port } });
  });

  test('that needs a restart waits for the command, and is applied by it', async () => {
    const isOld = (document: Record<string, unknown>) =>
      (document.serverConfiguration as { network: string }).network === '10.70.0.0/16';
    host.behaviour.reload = (document) =>
      isOld(document)
        ? { applied: true, problems: [] }
        : { applied: false, needsRestart: true, problems: [{ path: 'network', message: 'is fixed' }] };
    const wanted = desired({ network: '10.99.0.0/16' });
    const report = await apply(options(), wanted, 'reload');
    expect(report.reason).toContain('send the command restartServer');
    expect(isOld(await host.file())).toBe(true);
    expect(await apply(options(), wanted, 'restart')).toMatchObject({ status: 'applied' });
    expect(isOld(host.inUse)).toBe(false);
  });

  test('that needs a restart is applied with one while no device has a session', async () => {
    host.behaviour.reload = () => ({
      applied: false,
      needsRestart: true,
      problems: [{ path: 'network', message: 'is fixed' }],
    });
    const wanted = desired({ network: '10.99.0.0/16' });
    host.sessions = { connected: 0, away: 1, capacity: 64_000 };
    expect(await apply(options(), wanted, 'reload')).toMatchObject({ status: 'failed' });
    expect(host.monitorCalls).toEqual([]);
    host.sessions = { connected: 0, away: 0, capacity: 64_000 };
    expect(await apply(options(), wanted, 'reload')).toMatchObject({ status: 'applied' });
    expect(host.monitorCalls).toHaveLength(1);
    expect(host.inUse).toMatchObject({ serverConfiguration: { network: '10.99.0.0/16' } });
  });

  test('with which the server does not come up again is taken back with another restart', async () => {
    host.behaviour.startsWith = (document) => routesOf(document)?.length !== 1;
    const report = await apply(options(), desired(), 'restart');
    expect(report.reason).toContain('its engine does not');
    expect(host.monitorCalls).toHaveLength(2);
    expect(routesOf(host.inUse) ?? []).toEqual([]);
  });

  test('starts the gateway through the monitor when it is not running', async () => {
    await host.stopGateway();
    expect(await apply(options(), desired(), 'reload')).toMatchObject({ status: 'applied' });
    expect(host.monitorCalls).toHaveLength(1);
  });

  test('fails with the remedy when neither gateway nor monitor runs', async () => {
    await host.stopGateway();
    const monitor = new MonitorClient(`${host.paths.monitorSocket}.none`);
    const report = await apply(options({ monitor }), desired(), 'reload');
    expect(report.reason).toContain('no monitor runs on this host');
    expect(routesOf(await host.file()) ?? []).toEqual([]);
  });

  test('leaves a file alone that the administrator is in the middle of', async () => {
    await writeFile(host.paths.gatewayFile, '{ "publicAddress": ');
    const report = await apply(options(), desired(), 'reload');
    expect(report.reason).toContain('mend the file');
    expect(host.reloads).toBe(0);
  });
});

/** Every step at which a process can be killed, as the call that never comes back. */
const steps = ['lastGood', 'change', 'reload', 'health', 'report', 'endChange'] as const;

describe.each(steps)('an agent that is killed at the step %s', (killedAt) => {
  test.each([true, false])(
    'leaves a whole file, and ends the change at its next start (good: %s)',
    async (isGood) => {
      if (!isGood)
        host.behaviour.reload = (document) =>
          routesOf(document)?.length === 1
            ? { applied: false, problems: [{ path: 'x', message: 'bad' }] }
            : { applied: true, problems: [] };
      const killed = Promise.withResolvers<void>();
      const never = async (): Promise<never> => {
        killed.resolve();
        return new Promise<never>(() => {});
      };
      const cut = options();
      if (killedAt === 'reload') Object.assign(cut.gateway, { reload: never });
      if (killedAt === 'health') cut.isHealthy = never;
      if (killedAt === 'lastGood') Object.assign(cut.store.lastGood, { write: never });
      if (killedAt === 'change') Object.assign(cut.store.change, { write: never });
      if (killedAt === 'report') Object.assign(cut.store.state, { write: never });
      if (killedAt === 'endChange') Object.assign(cut.store, { endChange: never });
      void apply(cut, desired(), 'reload');
      await killed.promise;
      expect(await readGatewayFile(host.paths.gatewayFile)).toBeDefined();

      const report = await finish(options(), unexpected);
      const hadBegun = killedAt !== 'lastGood' && killedAt !== 'change';
      expect(report?.status).toBe(hadBegun ? (isGood ? 'applied' : 'failed') : undefined);
      const isUsed = hadBegun && isGood;
      expect(routesOf(await host.file()) ?? []).toEqual(isUsed ? ['10.1.0.0/16'] : []);
      expect(await finish(options(), unexpected)).toBeUndefined();
    },
  );
});
