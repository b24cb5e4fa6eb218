import type { Lab } from '@culvert/lab/lab.ts';
import type { ServerKind } from '@culvert/lab/server/server.ts';
import { cpuSeconds } from '@culvert/lab/system/process-tree.ts';
import { type Direction, measure } from '@culvert/lab/traffic/iperf.ts';
import { markdownTable } from './markdown.ts';
import type { BenchmarkOptions, BenchmarkReport } from './report.ts';
import { orderOfRound, serverNames, sideBySide } from './side-by-side.ts';
import { formatSpread, type Spread, spread } from './statistics.ts';

type Channel = 'dtls' | 'tls';

interface Sample {
  server: ServerKind;
  channel: Channel;
  direction: Direction;
  gigabitsPerSecond: number;
  cpuSecondsPerGigabyte: number;
}

const directions: readonly Direction[] = ['up', 'down'];
const channels: readonly Channel[] = ['dtls', 'tls'];
const channelNames: Record<Channel, string> = { dtls: 'DTLS', tls: 'TLS only' };

/** One tunnel, one TCP stream in each direction. */
async function measureTunnel(lab: Lab, channel: Channel, seconds: number): Promise<Sample[]> {
  const client = await lab.connect({ dtls: channel === 'dtls' });
  const { dtls } = await client.connected();
  if (dtls !== (channel === 'dtls')) {
    throw new Error(`wanted a tunnel over ${channel}, but DTLS is ${dtls ? 'up' : 'not up'}:\n${client.log}`);
  }
  const samples: Sample[] = [];
  for (const direction of directions) {
    const before = cpuSeconds(lab.server.processes());
    const result = await measure(lab.network.device.namespace, { direction, seconds });
    const used = cpuSeconds(lab.server.processes()) - before;
    samples.push({
      server: lab.server.kind,
      channel,
      direction,
      gigabitsPerSecond: result.bitsPerSecond / 1e9,
      cpuSecondsPerGigabyte: used / (result.receivedBytes / 1e9),
    });
  }
  await client.logOut();
  return samples;
}

interface Row {
  server: ServerKind;
  channel: Channel;
  direction: Direction;
  gigabitsPerSecond: Spread;
  cpuSecondsPerGigabyte: Spread;
}

/** Throughput of one tunnel and what it costs the server, over DTLS and over TLS. */
export async function benchThroughput(options: BenchmarkOptions): Promise<BenchmarkReport> {
  const samples: Sample[] = [];
  await sideBySide(options.servers, {}, async (labs) => {
    for (let round = 0; round < options.rounds; round += 1) {
      for (const channel of channels) {
        for (const [, lab] of orderOfRound([...labs], round)) {
          options.say(
            `round ${round + 1} of ${options.rounds}: ${lab.server.kind}, ${channelNames[channel]}`,
          );
          samples.push(...(await measureTunnel(lab, channel, options.seconds)));
        }
      }
    }
  });
  const rows = options.servers.flatMap((server) =>
    channels.flatMap((channel) =>
      directions.map((direction): Row => {
        const own = samples.filter(
          (one) => one.server === server && one.channel === channel && one.direction === direction,
        );
        return {
          server,
          channel,
          direction,
          gigabitsPerSecond: spread(own.map((one) => one.gigabitsPerSecond)),
          cpuSecondsPerGigabyte: spread(own.map((one) => one.cpuSecondsPerGigabyte)),
        };
      }),
    ),
  );
  const table = markdownTable(
    ['server, channel', 'direction', 'Gbit/s', 'server CPU s per GB'],
    rows.map((row) => [
      `${serverNames[row.server]}, ${channelNames[row.channel]}`,
      row.direction,
      formatSpread(row.gigabitsPerSecond, 2),
      formatSpread(row.cpuSecondsPerGigabyte, 2),
    ]),
  );
  return {
    benchmark: 'throughput',
    markdown: [
      `One stock client, one TCP stream, ${options.seconds} s, ${options.rounds} rounds in turn; median (range).`,
      'CPU is user and system time of all processes of the server; software interrupts of the kernel (veth, NAT) are left out for both.',
      '',
      table,
    ].join('\n'),
    results: rows,
    samples,
  };
}
