import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { controlPlaneAddress, controlPlaneName } from '../fleet/fleet-network.ts';
import { Squid, TlsInspection } from '../fleet/proxies.ts';
import { eventually } from '../system/wait.ts';
import { useFleet } from './use-fleet.ts';

const fleet = useFleet({ servers: 1, devices: 1, joined: false });

test('an agent joins and checks in through a proxy, which is the only way', async () => {
  const squid = await Squid.start(fleet().network.proxy, { asksForPassword: false });
  const server = fleet().serverAt(0);
  server.useProxy(Squid.url);
  await server.dropDirectConnections();
  await fleet().join(server);
  expect(readFileSync(squid.accessLog, 'utf8')).toContain(`CONNECT ${controlPlaneName}`);
  await squid.stop();
});

test('a proxy that asks for a password is named', async () => {
  const squid = await Squid.start(fleet().network.proxy, { asksForPassword: true });
  const server = fleet().serverAt(0);
  await eventually('the agent says what is wrong', async () =>
    /proxy.*password|password.*proxy/i.test(await server.agentStatus()),
  );
  await squid.stop();
});

test('a proxy that breaks TLS open is named with its issuer', async () => {
  const inspection = await TlsInspection.start(fleet().network.proxy);
  const server = fleet().serverAt(0);
  server.useProxy(undefined);
  const hosts = readFileSync(server.namespace.hosts, 'utf8');
  const intercepted = hosts.replace(
    `${controlPlaneAddress} ${controlPlaneName}`,
    `${TlsInspection.address} ${controlPlaneName}`,
  );
  writeFileSync(server.namespace.hosts, intercepted);
  await eventually('the agent names the issuer', async () =>
    (await server.agentStatus()).includes(TlsInspection.issuer),
  );
  await inspection.stop();
  writeFileSync(server.namespace.hosts, hosts);
});
