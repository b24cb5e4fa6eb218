import { join } from 'node:path';
import { expect, test } from 'vitest';
import { serverKind } from '../lab.ts';
import { corpAddress } from '../network/network.ts';
import { eventually } from '../system/wait.ts';
import { useLab } from './use-lab.ts';

const lab = useLab();
const onlyProduct = test.runIf(serverKind === 'culvert');

const source = join(import.meta.dirname, '../../../apps/agent/src/health/create-health-source.ts');

interface Reading {
  values: Record<string, number>;
  reasons: Record<string, string>;
}

/** Measures everything once, as the agent of the gateway's host does. */
async function measure(settings: object): Promise<Reading> {
  const { stateDirectory } = lab().culvert;
  const options = {
    paths: {
      directory: stateDirectory,
      adminSocket: join(stateDirectory, 'run/admin.sock'),
      agentDirectory: join(stateDirectory, 'agent'),
    },
    settings,
  };
  const script = `const { createHealthSource } = await import(${JSON.stringify(source)});
    const source = createHealthSource({ ...${JSON.stringify(options)}, proxyFor: () => undefined });
    await source.measured();
    console.log(JSON.stringify(await source.sample()));
    await source.close();`;
  const { stdout } = await lab().network.gateway.run([process.execPath, '--input-type=module', '-e', script]);
  return JSON.parse(stdout) as Reading;
}

onlyProduct('an agent measures its gateway in passing, with a device and without', async () => {
  const settings = { internalNetworkProbeUrl: `http://${corpAddress}/who`, imageRegistryUrl: null };
  const idle = await measure(settings);
  expect(idle.values, JSON.stringify(idle.reasons)).toMatchObject({
    currentConnections: 0,
    serverContainerHealthy: 1,
    internalNetworkReachable: 1,
  });
  // The packet went through the tunnel interface and the engine; without one of them there would be no value.
  expect(idle.values.latency).toBeGreaterThan(0);
  expect(idle.values.latency).toBeLessThan(1000);
  expect(idle.values.tlsCertificateDaysLeft).toBeGreaterThan(0);
  expect(idle.reasons.tlsCertificateRevoked).toContain('names no OCSP or CRL address');
  expect(idle.reasons.agentCertificateDaysLeft).toContain('has not joined yet');
  await lab().connect();
  const busy = await measure(settings);
  expect(busy.values).toMatchObject({ currentConnections: 1, serverContainerHealthy: 1 });
  expect(busy.values.latency).toBeGreaterThan(0);
});

onlyProduct('a sender to a device that has gone hears at once that there is none', async () => {
  // The last address of the pool, which is given to a device after all others.
  const freeAddress = '10.70.255.254';
  const script = `import socket
try:
    socket.create_connection(("${freeAddress}", 9), 5)
except OSError as error:
    print(error.errno)`;
  const { gateway } = lab().network;
  const refused = await gateway.run(['/usr/bin/python3', '-c', script]);
  const noRouteToHost = '113';
  expect(refused.stdout.trim()).toBe(noRouteToHost);
});

onlyProduct('an internal network that cannot be reached is told with its reason', async () => {
  const reading = await measure({
    internalNetworkProbeUrl: `http://${corpAddress}:9/`,
    imageRegistryUrl: 'http://registry.invalid',
  });
  expect(reading.values).toMatchObject({ internalNetworkReachable: 0, imageRegistryReachable: 0 });
  expect(reading.reasons.internalNetworkReachable).toContain('the connection is refused');
});

onlyProduct('a gateway that is gone is not healthy until it is back, and says why', async () => {
  await lab().culvert.killGateway();
  try {
    const reading = await measure({ internalNetworkProbeUrl: null, imageRegistryUrl: null });
    expect(reading.values.serverContainerHealthy).toBe(0);
    expect(reading.reasons.serverContainerHealthy).toBe('no gateway is running on this host');
    expect(reading.values.cpuCores).toBeGreaterThan(0);
  } finally {
    await lab().culvert.startGateway();
    await eventually('the gateway is healthy again', async () => {
      const { values } = await measure({ internalNetworkProbeUrl: null, imageRegistryUrl: null });
      return values.serverContainerHealthy === 1;
    });
  }
});
