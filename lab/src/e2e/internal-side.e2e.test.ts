import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { ScriptCall } from '../client/script-calls.ts';
import { serverKind } from '../lab.ts';
import { corpAddress, internalAddress, internalAddress6, secondCorpAddress } from '../network/network.ts';
import { reaches, reachesNothing } from '../traffic/ping.ts';
import { useLab } from './use-lab.ts';

const routeIncludes = ['10.60.0.0/16', '10.61.0.0/16', '10.70.0.0/16', 'fd60::/64', 'fd70::/112'];
const lab = useLab({
  network: { devices: 2, secondInternal: true },
  settings: { server: { routeIncludes } },
});
const onlyProduct = test.runIf(serverKind === 'culvert');

const ipv4Of = (call: ScriptCall) => call.value('INTERNAL_IP4_ADDRESS') ?? '';

test('the company network sees the gateway and never a device', async () => {
  await lab().connect();
  const device = lab().network.device.namespace;
  for (const [family, seen] of [
    ['--ipv4', internalAddress],
    ['--ipv6', internalAddress6],
  ] as const) {
    const url = 'http://intranet.corp.test/who';
    const { stdout } = await device.run(['curl', '--silent', '--max-time', '10', family, url]);
    expect(stdout).toBe(seen);
  }
  const udp = `import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(3)
s.sendto(b"who", ("${corpAddress}", 7)); print(s.recv(99).decode())`;
  expect((await device.run(['/usr/bin/python3', '-c', udp])).stdout.trim()).toBe(internalAddress);
});

onlyProduct('both internal interfaces are reached; with internalInterface only that one', async () => {
  await lab().connect();
  const device = lab().network.device.namespace;
  expect(await reaches(device, corpAddress)).toBe(true);
  expect(await reaches(device, secondCorpAddress)).toBe(true);
  await lab().dismissClients();
  await lab().restartServer({ server: { routeIncludes }, gateway: { internalInterface: 'g1' } });
  try {
    await lab().connect();
    expect(await reaches(device, corpAddress)).toBe(true);
    expect(await reachesNothing(device, secondCorpAddress)).toBe(true);
  } finally {
    await lab().dismissClients();
    await lab().restartServer({ server: { routeIncludes } });
  }
});

onlyProduct('the gateway touches no firewall table but its own, and removes that when it stops', async () => {
  const { gateway } = lab().network;
  const tables = async () =>
    (await gateway.run(['nft', 'list', 'tables'])).stdout.split('\n').filter(Boolean);
  await gateway.nft('table inet administrator { chain input { type filter hook input priority 10; } \n }');
  try {
    const during = await tables();
    expect(during.filter((table) => !table.includes('culvert'))).toEqual(['table inet administrator']);
    expect(during.length).toBe(2);
    await lab().culvert.stopGateway();
    expect(await tables()).toEqual(['table inet administrator']);
    await lab().culvert.startGateway();
  } finally {
    await gateway.nft('delete table inet administrator');
  }
});

onlyProduct('the kernel takes the firewall again and again, and it goes without a trace', async () => {
  const { gateway } = lab().network;
  const rules = async () => (await gateway.run(['nft', '--stateless', 'list', 'ruleset'])).stdout;
  await lab().restartServer({ server: { routeIncludes }, gateway: { internalInterface: 'g1' } });
  try {
    const first = await rules();
    expect(first).toContain('oifname "g1" masquerade');
    // This host was no router before, and becomes one for the tunnel alone.
    expect(first).toMatch(/iifname != "\w+" drop/);
    expect((await lab().culvert.command('reload')).code).toBe(0);
    await lab().culvert.killGateway();
    await lab().culvert.startGateway();
    expect(await rules()).toBe(first);
    await lab().culvert.stopGateway();
    expect(await rules()).toBe('');
    await lab().culvert.startGateway();
    // An administrator took the rules away; the gateway stops as cleanly as before.
    await gateway.run(['nft', 'flush', 'ruleset']);
    await lab().culvert.stopGateway();
    expect(lab().culvert.output).not.toMatch(/"level":"(error|fatal)"/);
    expect(await rules()).toBe('');
  } finally {
    await lab().restartServer({ server: { routeIncludes } });
  }
});

onlyProduct.each([false, true])(
  'devices reach each other: %s, as configured',
  async (allowDeviceToDevice) => {
    await lab().restartServer({ server: { routeIncludes }, gateway: { allowDeviceToDevice } });
    await lab().connect();
    const second = await lab().connect({ device: lab().network.deviceAt(1), user: 'bob' });
    const address = ipv4Of(await second.configuration());
    const { namespace } = lab().network.device;
    if (allowDeviceToDevice) expect(await reaches(namespace, address)).toBe(true);
    else expect(await reachesNothing(namespace, address)).toBe(true);
  },
);

onlyProduct('the company network opens no connection to a device', async () => {
  const client = await lab().connect();
  const address = ipv4Of(await client.configuration());
  const { corp } = lab().network;
  await corp.ip(`route add ${address}/32 via ${internalAddress}`);
  try {
    expect(await reachesNothing(corp, address)).toBe(true);
  } finally {
    await corp.ip(`route del ${address}/32 via ${internalAddress}`);
  }
});

const rawPacket = fileURLToPath(new URL('../hostile/raw_packet.py', import.meta.url));

onlyProduct('a packet with a source that is not the device’s own is dropped', async () => {
  const client = await lab().connect();
  const own = ipv4Of(await client.configuration());
  const device = lab().network.device.namespace;
  const send = (source: string) => device.run(['/usr/bin/python3', rawPacket, 'udp', source, corpAddress]);
  const seen = lab().network.corp.start(['tcpdump', '-l', '-n', '-i', 'c0', 'udp', 'port', '7777']);
  await seen.waitFor(/listening on/, 10_000);
  for (const source of ['10.70.255.250', '192.0.2.9', corpAddress, '127.0.0.1', '10.50.0.3'])
    await send(source);
  // The honest one comes last: when it is there, the others would have been there too.
  await send(own);
  await seen.waitFor(/10\.60\.0\.1\.\d+ > /, 10_000);
  await seen.stop('SIGINT');
  expect(seen.output.match(/ > 10\.60\.0\.2\.7777/g)).toHaveLength(1);
});
