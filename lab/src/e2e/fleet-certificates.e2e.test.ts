import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { corpAddress } from '../network/network.ts';
import { eventually } from '../system/wait.ts';
import { SteadyPings } from '../traffic/steady-pings.ts';
import { useFleet } from './use-fleet.ts';

// Without monitor: agent and gateway of a host have clocks of their own here.
const fleet = useFleet({ servers: 1, devices: 2, monitored: false });

const certificate = () => new X509Certificate(readFileSync(fleet().serverAt(0).agentFile('agent.crt')));

/** Sets the clock of control plane and agent; that of the gateway goes on. */
async function moveClock(clock: string): Promise<void> {
  await fleet().controlPlane.stop();
  await fleet().controlPlane.start(clock);
  await fleet().serverAt(0).restartAgent(clock);
}

test('an agent renews at two thirds of the life of its certificate, and no tunnel feels it', async () => {
  const client = await fleet().connect(0);
  const pings = await SteadyPings.start([client], corpAddress);
  const before = certificate();
  await moveClock('+59d');
  await fleet().checkedInSince(fleet().serverAt(0), new Date(Date.now() + 58.9 * 86_400_000));
  expect(certificate().fingerprint256).toBe(before.fingerprint256);
  await moveClock('+61d');
  await eventually(
    'the certificate is another one',
    () => certificate().fingerprint256 !== before.fingerprint256,
    60_000,
  );
  const [result] = await pings.stop();
  expect(result?.lost).toEqual([]);
});

test('an expired agent says so on its server, and joins again under its old record while a tunnel goes on', async () => {
  const server = fleet().serverAt(0);
  const client = await fleet().connect(0);
  const pings = await SteadyPings.start([client], corpAddress);
  const { id } = await fleet().record(server);
  await moveClock('+200d');
  await eventually('the agent tells', async () => /expired/.test(await server.agentStatus()), 60_000);
  await server.joinAgain(await fleet().createJoinToken({ serverId: String(id) }));
  await fleet().checkedInSince(server, new Date(Date.now() + 199 * 86_400_000));
  expect((await fleet().serverRecords()).map((record) => record.id)).toEqual([id]);
  const [result] = await pings.stop();
  expect(result?.lost).toEqual([]);
});
