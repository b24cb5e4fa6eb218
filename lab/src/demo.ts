/**
 * `npm run demo`: a company network, a gateway and a laptop, all on this machine, with the stock client.
 * `--json` prints one document for machines; `--server ocserv` shows the same with the peer.
 */
import { parseArgs } from 'node:util';
import { intranetName, intranetPage } from './corp/intranet.ts';
import { Lab } from './lab.ts';
import { corpDnsAddress, gatewayAddress, gatewayName, internalAddress } from './network/network.ts';
import type { ServerKind } from './server/server.ts';
import { request } from './traffic/https.ts';
import { measure } from './traffic/iperf.ts';
import { reachesNothing } from './traffic/ping.ts';

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '3' },
    server: { type: 'string', default: 'culvert' },
  },
});

/** Written while it happens; on standard error when standard output carries the document. */
function tell(line: string): void {
  if (values.json) console.error(line);
  else console.log(line);
}

function insist(what: string, holds: boolean): void {
  if (!holds) throw new Error(`not so: ${what}`);
  tell(`  ✓ ${what}`);
}

interface TunnelStory {
  channel: 'tls' | 'dtls';
  addresses: string[];
  mtu: number;
  uploadMegabitsPerSecond: number;
  downloadMegabitsPerSecond: number;
}

const megabits = (bitsPerSecond: number) => Math.round(bitsPerSecond / 1e6);

async function tunnel(lab: Lab, channel: TunnelStory['channel'], seconds: number): Promise<TunnelStory> {
  const device = lab.network.device.namespace;
  const client = await lab.connect({ dtls: channel === 'dtls' });
  const { addresses, dtls } = await client.connected();
  const { mtu } = await client.configuration();
  insist(
    `openconnect signed in as alice and got ${addresses.join(' and ')}, MTU ${mtu}`,
    addresses.length > 0,
  );
  if (dtls !== (channel === 'dtls')) {
    throw new Error(`wanted a tunnel over ${channel}, but DTLS is ${dtls ? 'up' : 'not up'}:\n${client.log}`);
  }
  tell(`  ✓ packets travel over ${channel === 'dtls' ? 'DTLS (UDP)' : 'TLS (TCP), DTLS is switched off'}`);
  const name = await device.run(['getent', 'ahostsv4', intranetName]);
  insist(
    `the laptop asks the corporate name server ${corpDnsAddress}: ${intranetName} is ${name.stdout.split(' ')[0]}`,
    name.stdout.length > 0,
  );
  const url = `http://${intranetName}/`;
  const page = await device.run(['curl', '--silent', '--show-error', '--max-time', '10', url]);
  insist(`it reads ${url} (${page.stdout.length} bytes, exactly the page)`, page.stdout === intranetPage);
  const who = await device.run(['curl', '--silent', '--ipv4', '--max-time', '10', `${url}who`]);
  insist(`the web server saw ${who.stdout}: the gateway, not the laptop`, who.stdout === internalAddress);
  const up = await measure(device, { direction: 'up', seconds });
  const down = await measure(device, { direction: 'down', seconds });
  const story: TunnelStory = {
    channel,
    addresses,
    mtu,
    uploadMegabitsPerSecond: megabits(up.bitsPerSecond),
    downloadMegabitsPerSecond: megabits(down.bitsPerSecond),
  };
  insist(
    `one TCP stream: ${story.uploadMegabitsPerSecond} Mbit/s up, ${story.downloadMegabitsPerSecond} Mbit/s down`,
    story.uploadMegabitsPerSecond > 0 && story.downloadMegabitsPerSecond > 0,
  );
  const ending = await client.logOut();
  insist('the client said goodbye and ended cleanly', ending.code === 0);
  return story;
}

async function demo(server: ServerKind, seconds: number): Promise<TunnelStory[]> {
  tell('Three hosts on this machine: a laptop, the gateway and the company network');
  const lab = await Lab.start({ server });
  try {
    const page = await request(lab.network.device.namespace, { authoritiesFile: lab.authority.rootFile });
    insist(`the gateway answers at https://${gatewayName} (${gatewayAddress})`, page.status === 200);
    insist(
      'without a tunnel the laptop cannot reach the company network',
      await reachesNothing(lab.network.device.namespace, corpDnsAddress),
    );
    tell('The stock openconnect, over TLS alone');
    const overTls = await tunnel(lab, 'tls', seconds);
    tell('The stock openconnect again, now with DTLS');
    const overDtls = await tunnel(lab, 'dtls', seconds);
    insist(
      'without the tunnel the laptop is outside again',
      await reachesNothing(lab.network.device.namespace, corpDnsAddress),
    );
    return [overTls, overDtls];
  } finally {
    await lab.remove();
  }
}

try {
  const seconds = Number(values.seconds);
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > 60) {
    throw new Error(`--seconds must be a whole number from 1 to 60, not "${values.seconds}"`);
  }
  if (values.server !== 'culvert' && values.server !== 'ocserv') {
    throw new Error(`--server must be culvert or ocserv, not "${values.server}"`);
  }
  const tunnels = await demo(values.server, seconds);
  if (values.json) console.log(JSON.stringify({ server: values.server, ok: true, tunnels }, null, 2));
  else tell('Everything was removed again.');
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  console.error(`✗ ${message}`);
  if (values.json) console.log(JSON.stringify({ server: values.server, ok: false, error: message }, null, 2));
  process.exitCode = 1;
}
