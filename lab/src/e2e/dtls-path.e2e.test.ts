import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { clientBuilds } from '../client/builds.ts';
import { serverKind } from '../lab.ts';
import { slowUplink } from '../network/device.ts';
import { corpAddress, gatewayAddress } from '../network/network.ts';
import { eventually } from '../system/wait.ts';
import { Capture, clientHellos, dataDatagrams } from '../traffic/capture.ts';
import { iperfCommand, measure, parseIperf } from '../traffic/iperf.ts';
import { reaches, SteadyPing } from '../traffic/ping.ts';
import { sendUdp } from '../traffic/udp.ts';
import { useLab } from './use-lab.ts';

/** Devices 0 and 1 are on the switch, device 2 behind a router that translates addresses. */
const lab = useLab({
  network: { devices: 2, nat: true },
  settings: { advanced: { 'dead-peer-detection': '5', keepalive: '5' } },
});
const onlyProduct = test.runIf(serverKind === 'culvert');

async function onlySession(): Promise<{ id: unknown; channel: unknown }> {
  const [session, ...others] = await lab().culvert.sessions();
  expect(others).toEqual([]);
  return { id: session?.id, channel: session?.channel };
}

/** What the engine has begun and finished of DTLS. */
async function dtlsCounters(): Promise<unknown> {
  const { stdout } = await lab().culvert.command('status', '--json');
  const { counters } = JSON.parse(stdout).engine;
  return [counters.helloVerifyRequests, counters.dtlsHandshakes];
}

onlyProduct.each(clientBuilds)(
  'when UDP dies in the middle of a transfer the %s client goes on over TLS, and returns when it is back',
  async (build) => {
    await lab().connect({ build });
    const device = lab().network.device.namespace;
    const before = await onlySession();
    expect(before.channel).toBe('dtls');
    const transfer = device.start(iperfCommand({ direction: 'down', seconds: 30 }));
    try {
      await sleep(3_000);
      const died = Date.now();
      await lab().network.switch?.dropUdp();
      const channel = async () => (await onlySession()).channel;
      await eventually('the gateway sends over TLS', async () => (await channel()) === 'tls', 15_000, 250);
      // The client finds out by its own dead peer detection, twice five seconds; until then it sends into nothing.
      await eventually('traffic passes again', () => reaches(device, corpAddress), 30_000, 500);
      expect(Date.now() - died).toBeLessThan(30_000);
      const ping = new SteadyPing(device, corpAddress);
      await sleep(3_000);
      const { lost } = await ping.stop();
      expect(lost.length, `lost ${lost}`).toBeLessThanOrEqual(1);
      await lab().network.switch?.heal();
      // The client tries UDP again once a minute.
      await eventually('DTLS is back', async () => (await channel()) === 'dtls', 100_000, 1_000);
      expect(await reaches(device, corpAddress)).toBe(true);
      expect(await onlySession()).toEqual(before);
      await transfer.waitForEnd(60_000);
      expect(parseIperf(transfer.output).receivedBytes).toBeGreaterThan(1_000_000);
    } finally {
      await lab().network.switch?.heal();
      // iperf3 serves one at a time: one that goes on would keep the next test out.
      await transfer.stop();
    }
  },
);

/** First ports of the ranges that the router takes one after the other. */
const newPorts = [30_000, 40_000, 50_000];

onlyProduct.each(clientBuilds)(
  'when a router gives the %s client another UDP port nothing is lost beyond that moment',
  async (build) => {
    const device = lab().network.deviceAt(2);
    const client = await lab().connect({ device, build });
    expect((await client.connected()).dtls).toBe(true);
    const capture = await Capture.start(lab().network.gateway, 'g0', 'udp port 443');
    const ping = new SteadyPing(device.namespace, corpAddress);
    for (const port of newPorts) {
      await sleep(3_000);
      await device.router?.rebindUdp(port);
    }
    await sleep(3_000);
    const { sent, lost, longestGap } = await ping.stop();
    expect(sent).toBeGreaterThan(50);
    expect(longestGap, `lost ${lost} of ${sent}`).toBeLessThanOrEqual(1);
    expect((await onlySession()).channel).toBe('dtls');
    // It was UDP all the time, and each new port was used both ways.
    const data = dataDatagrams(await capture.stop());
    for (const port of newPorts) {
      const ofPort = (one: number) => one >= port && one < port + 1_000;
      expect(data.filter((datagram) => ofPort(datagram.sourcePort)).length).toBeGreaterThan(5);
      expect(data.filter((datagram) => ofPort(datagram.destinationPort)).length).toBeGreaterThan(5);
    }
    expect(client.scriptCalls().map((call) => call.reason)).not.toContain('reconnect');
  },
);

onlyProduct('a forged ClientHello with the App-ID of a live session does not disturb it', async () => {
  const capture = await Capture.start(lab().network.gateway, 'g0', 'udp port 443');
  const client = await lab().connect();
  const device = lab().network.device.namespace;
  const { payload: hello } = clientHellos(await capture.stop())[0] ?? {};
  if (hello === undefined) throw new Error('no ClientHello was captured');
  const appId = client.responseHeaders('X-DTLS-App-ID')[0] ?? '';
  expect(hello.toString('hex')).toContain(appId.toLowerCase());
  const before = await onlySession();
  const ping = new SteadyPing(device, corpAddress);
  await sleep(1_000);
  const forged = Array.from({ length: 50 }, (_, index) => {
    const copy = Buffer.from(hello);
    // Bytes of the client's random value: another one each time.
    copy.writeUInt32BE(index, 27);
    return copy;
  });
  await sendUdp(lab().network.deviceAt(1).namespace, gatewayAddress, 443, forged);
  await sleep(3_000);
  const { lost } = await ping.stop();
  expect(lost).toEqual([]);
  expect(await onlySession()).toEqual(before);
});

onlyProduct('a good ClientHello with an unknown App-ID gets nothing and changes nothing', async () => {
  const capture = await Capture.start(lab().network.gateway, 'g0', 'udp port 443');
  const client = await lab().connect();
  const { payload: hello } = clientHellos(await capture.stop())[0] ?? {};
  if (hello === undefined) throw new Error('no ClientHello was captured');
  const appId = Buffer.from(client.responseHeaders('X-DTLS-App-ID')[0] ?? '', 'hex');
  const place = hello.indexOf(appId);
  expect(place).toBeGreaterThan(0);
  const unknown = Array.from({ length: 50 }, (_, index) => {
    const copy = Buffer.from(hello);
    copy.writeUInt32BE(index, 27);
    copy.writeUInt8(copy.readUInt8(place) ^ (index + 1), place);
    return copy;
  });
  const before = [await onlySession(), await dtlsCounters()];
  const ping = new SteadyPing(client.device.namespace, corpAddress);
  const stranger = lab().network.deviceAt(1);
  const answers = await Capture.start(lab().network.gateway, 'g0', `host ${stranger.address}`);
  await sendUdp(stranger.namespace, gatewayAddress, 443, unknown);
  // From the user's own host, too, whose App-ID would get a handshake at once.
  await sendUdp(client.device.namespace, gatewayAddress, 443, unknown);
  await sleep(1_000);
  expect((await answers.stop()).filter((datagram) => datagram.source === gatewayAddress)).toEqual([]);
  expect((await ping.stop()).lost).toEqual([]);
  expect([await onlySession(), await dtlsCounters()]).toEqual(before);
});

onlyProduct('packets of one session arrive over both channels at the same time', async () => {
  const { device } = lab().network;
  const client = await lab().connect({ extra: ['-vvv'] });
  await slowUplink(device, '10mbit');
  try {
    const from = client.log.length;
    const { receivedBytes } = await measure(device.namespace, { direction: 'up', seconds: 4 });
    expect(receivedBytes).toBeGreaterThan(2_000_000);
    // The client sends what its full UDP socket refuses over TLS, in the same round.
    expect(client.log.slice(from)).toContain('Sending uncompressed data packet');
    expect((await onlySession()).channel).toBe('dtls');
  } finally {
    await device.namespace.run(['tc', 'qdisc', 'del', 'dev', 'd0', 'root']);
  }
});
