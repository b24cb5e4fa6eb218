import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { corpAddress } from '../network/network.ts';
import { eventually } from '../system/wait.ts';
import { SteadyPings } from '../traffic/steady-pings.ts';
import { useFleet } from './use-fleet.ts';

// Without monitor: the agent has another clock than the gateway, whose sessions would end at their time.
const fleet = useFleet({ servers: 1, devices: 2, running: 'single' });

const day = 86_400_000;
/** Longer than a check-in and everything before it. */
const patience = 60_000;

const server = () => fleet().serverAt(0);
const certificate = () => new X509Certificate(readFileSync(server().agentFile('agent.crt')));

/** Sets the clock of control plane and agent; everything else goes on. */
async function moveClock(days: number): Promise<void> {
  await server().stopAgent();
  await fleet().controlPlane.stop();
  await fleet().controlPlane.start(`+${days}d`);
  await server().startAgent(`+${days}d`);
}

const inDays = (days: number) => new Date(Date.now() + days * day);

async function openTunnel(): Promise<SteadyPings> {
  return SteadyPings.start([await fleet().connect(0)], corpAddress);
}

/** Pings through the tunnel went on without a break. */
async function expectNothingLost(pings: SteadyPings): Promise<void> {
  await pings.goOn();
  expect(await pings.longestGap()).toBeLessThanOrEqual(2);
}

test('an agent renews its certificate at two thirds of its life and not before, and no tunnel feels it', async () => {
  const pings = await openTunnel();
  const { fingerprint256 } = certificate();
  const moved = inDays(59);
  await moveClock(59);
  await fleet().checkedInSince(server(), moved, patience);
  expect(certificate().fingerprint256).toBe(fingerprint256);
  // Servers of one age renew up to two days apart.
  await moveClock(63);
  await eventually(
    'the certificate is another one',
    () => certificate().fingerprint256 !== fingerprint256,
    patience,
  );
  await fleet().checkedInSince(server(), inDays(63), patience + 30_000);
  await expectNothingLost(pings);
});

test('an expired agent says so on its server, and joins again under its old record while a tunnel goes on', async () => {
  const pings = await openTunnel();
  const { id } = await fleet().record(server());
  const records = (await fleet().serverRecords()).length;
  await moveClock(200);
  await eventually('the agent tells', async () => /expired/.test(await server().agentStatus()), patience);
  const joined = inDays(200);
  const { code, stdout, stderr } = await server().join(await fleet().createJoinToken({ serverId: id }), {
    again: true,
    clock: '+200d',
  });
  expect(`${stdout}${stderr}`).toContain('server1');
  expect(code).toBe(0);
  await fleet().checkedInSince(server(), joined, patience);
  expect(await fleet().serverRecords()).toHaveLength(records);
  expect((await fleet().record(server())).id).toBe(id);
  await expectNothingLost(pings);
});

test('a revoked agent is refused at once, also while its request is held, and a tunnel goes on', async () => {
  const pings = await openTunnel();
  const { id } = await fleet().record(server());
  await fleet().controlPlane.ask('POST', `/api/v1/servers/${id}/revokeCertificates`);
  await eventually('the agent tells', async () => /revoked/.test(await server().agentStatus()), 10_000);
  await expectNothingLost(pings);
});
