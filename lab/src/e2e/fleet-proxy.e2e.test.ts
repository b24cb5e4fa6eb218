import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { controlPlaneAddress, controlPlaneName } from '../fleet/fleet-network.ts';
import { Squid, TlsInspection } from '../fleet/proxies.ts';
import { eventually } from '../system/wait.ts';
import { useFleet } from './use-fleet.ts';

const fleet = useFleet({ servers: 1, devices: 1, running: 'nothing' });

/** Waits until the agent says something to the administrator of the host. */
async function agentSays(pattern: RegExp): Promise<void> {
  await eventually(`the agent says ${pattern}`, async () =>
    pattern.test(await fleet().serverAt(0).agentStatus()),
  );
}

test('an agent joins and checks in through a proxy that is the only way', async () => {
  const squid = await Squid.start(fleet().network.proxy, { asksForPassword: false });
  const server = fleet().serverAt(0);
  await server.dropDirectConnections();
  server.useProxy(Squid.url);
  server.giveJoinToken(await fleet().createJoinToken({ siteId: fleet().siteId }));
  server.startGateway();
  await server.startAgent();
  await fleet().hasApplied(server);
  await server.stopAgent();
  await squid.stop();
  expect(readFileSync(squid.accessLog, 'utf8')).toContain(`CONNECT ${controlPlaneName}`);
});

test('a proxy that asks for a password is named', async () => {
  const squid = await Squid.start(fleet().network.proxy, { asksForPassword: true });
  await fleet().serverAt(0).startAgent();
  await agentSays(/the proxy proxy\.test:3128 asks for a name and a password/);
  await fleet().serverAt(0).stopAgent();
  await squid.stop();
});

test('a device on the way that breaks TLS open is named with its issuer', async () => {
  const inspection = await TlsInspection.start(fleet().network.proxy);
  const server = fleet().serverAt(0);
  const hosts = readFileSync(server.namespace.hosts, 'utf8');
  writeFileSync(server.namespace.hosts, hosts.replace(controlPlaneAddress, TlsInspection.address));
  server.useProxy(undefined);
  await server.startAgent();
  await agentSays(new RegExp(`inspects TLS.*${TlsInspection.issuer}`));
  await inspection.stop();
  await server.allowDirectConnections();
  writeFileSync(server.namespace.hosts, hosts);
  await server.startAgent();
  await fleet().checkedInSince(server, new Date());
});
