import { expect, test } from 'vitest';
import type { ScriptCall } from '../client/script-calls.ts';
import { serverKind } from '../lab.ts';
import type { ServerSettings } from '../server/server.ts';
import { reaches } from '../traffic/ping.ts';
import { useLab } from './use-lab.ts';

const lab = useLab({ network: { switched: true } });
const onlyProduct = test.runIf(serverKind === 'culvert');

/** Connects with these settings and returns what the client was told. */
async function configurationFor(
  server: ServerSettings['server'],
  more: Partial<ServerSettings> = {},
): Promise<ScriptCall> {
  await lab().restartServer({ ...more, server });
  const client = await lab().connect();
  return await client.configuration();
}

/** The interface that a packet of the device to this address leaves by. */
async function wayTo(address: string): Promise<string> {
  const text = await lab().network.device.namespace.ip(`route get ${address}`);
  return / dev (\S+)/.exec(text)?.[1] ?? '';
}

test('a device gets an IPv4 and an IPv6 address of the pools, name servers and the search domain', async () => {
  const call = await configurationFor({});
  expect(call.value('INTERNAL_IP4_ADDRESS')).toMatch(/^10\.70\.\d+\.\d+$/);
  expect(call.value('INTERNAL_IP6_NETMASK') ?? call.value('INTERNAL_IP6_ADDRESS')).toMatch(/^fd70::/);
  expect(call.value('INTERNAL_IP4_DNS')).toBe('10.60.0.53');
  expect(call.value('CISCO_DEF_DOMAIN')).toBe('corp.test');
  const { namespace } = lab().network.device;
  expect(await reaches(namespace, '10.60.0.2')).toBe(true);
  expect(await reaches(namespace, 'fd60::2')).toBe(true);
});

test('without an IPv6 pool a device gets IPv4 only', async () => {
  // `undefined` takes the lab's usual pool away.
  await lab().restartServer({ server: { ipv6Network: undefined, routeIncludes: ['10.60.0.0/16'] } as never });
  const client = await lab().connect();
  const call = await client.configuration();
  expect(call.value('INTERNAL_IP4_ADDRESS')).toMatch(/^10\.70\./);
  expect(call.value('INTERNAL_IP6_ADDRESS')).toBeUndefined();
  expect(await reaches(lab().network.device.namespace, '10.60.0.2')).toBe(true);
});

test('a client that wants no IPv6 gets IPv4 only', async () => {
  await lab().restartServer();
  const client = await lab().connect({ extra: ['--disable-ipv6'] });
  const call = await client.configuration();
  expect(call.value('INTERNAL_IP4_ADDRESS')).toMatch(/^10\.70\./);
  expect(call.value('INTERNAL_IP6_NETMASK')).toBeUndefined();
});

test('without include routes everything goes through the tunnel', async () => {
  const call = await configurationFor({ routeIncludes: [] });
  expect(call.routes('include')).toEqual([]);
  expect(await wayTo('192.0.2.1')).toBe('tun0');
  expect(await wayTo('2001:db8::1')).toBe('tun0');
  expect(await reaches(lab().network.device.namespace, '10.60.0.2')).toBe(true);
});

test('include routes alone go through the tunnel', async () => {
  const call = await configurationFor({ routeIncludes: ['10.60.0.0/24', '192.0.2.0/25', 'fd60::/64'] });
  expect(call.routes('include')).toEqual(
    expect.arrayContaining(['10.60.0.0/24', '192.0.2.0/25', 'fd60::/64']),
  );
  expect(await wayTo('192.0.2.1')).toBe('tun0');
  expect(await wayTo('192.0.2.129')).toBe('d0');
});

test('exclude routes stay outside of a full tunnel', async () => {
  const call = await configurationFor({
    routeIncludes: [],
    routeExcludes: ['192.0.2.0/24', '2001:db8::/32'],
  });
  expect(call.routes('exclude')).toEqual(expect.arrayContaining(['192.0.2.0/24', '2001:db8::/32']));
  expect(await wayTo('192.0.2.1')).toBe('d0');
  expect(await wayTo('198.51.100.1')).toBe('tun0');
});

test('include and exclude routes work together', async () => {
  const call = await configurationFor({
    routeIncludes: ['10.60.0.0/16', '10.80.0.0/16'],
    routeExcludes: ['10.80.1.0/24'],
  });
  expect(call.routes('include')).toEqual(expect.arrayContaining(['10.60.0.0/16', '10.80.0.0/16']));
  expect(call.routes('exclude')).toEqual(expect.arrayContaining(['10.80.1.0/24']));
  expect(await wayTo('10.80.0.1')).toBe('tun0');
  expect(await wayTo('10.80.1.1')).toBe('d0');
});

onlyProduct('500 routes reach the client', async () => {
  const routeIncludes = Array.from(
    { length: 499 },
    (_, index) => `10.${100 + (index >> 8)}.${index & 255}.0/24`,
  );
  const call = await configurationFor({ routeIncludes: [...routeIncludes, '10.60.0.0/24'] });
  expect(call.routes('include').filter((route) => !route.includes(':'))).toHaveLength(500);
});

test('split DNS domains reach the client', async () => {
  const call = await configurationFor({ splitDNS: ['corp.test', 'lab.example'] });
  expect(call.value('CISCO_SPLIT_DNS')?.split(',').sort()).toEqual(['corp.test', 'lab.example']);
});

onlyProduct('the address of a PAC file reaches the client', async () => {
  const pacUrl = 'http://proxy.corp.test/proxy.pac';
  const call = await configurationFor({}, { gateway: { clientProxy: { pacUrl } } });
  expect(call.value('CISCO_PROXY_PAC')).toBe(pacUrl);
});

onlyProduct('a proxy as address and port reaches the client with its exceptions', async () => {
  const clientProxy = { server: 'proxy.corp.test:8080', exceptions: ['*.corp.test', '10.60.0.2'] };
  const call = await configurationFor({}, { gateway: { clientProxy } });
  expect(call.headers('X-CSTP-MSIE-Proxy-Server')).toEqual(['proxy.corp.test:8080']);
  expect(call.headers('X-CSTP-MSIE-Proxy-Exception')).toEqual(['*.corp.test', '10.60.0.2']);
});

test('the banner reaches the client', async () => {
  const call = await configurationFor({}, { advanced: { banner: 'Welcome to corp.test' } });
  expect(call.value('CISCO_BANNER')).toBe('Welcome to corp.test');
});

onlyProduct('the inner MTU is what is left of 1500 bytes after the DTLS headers', async () => {
  expect((await configurationFor({})).mtu).toBe(1434);
});

test('a device on a narrow link gets a smaller MTU, and its full packets arrive', async () => {
  await lab().restartServer();
  const { namespace } = lab().network.device;
  await namespace.ip('link set d0 mtu 1380');
  try {
    const client = await lab().connect();
    const { mtu } = await client.configuration();
    expect(mtu).toBeLessThan(1380);
    expect(mtu).toBeGreaterThan(1200);
    const size = String(mtu - 28);
    await namespace.run(['ping', '-n', '-M', 'do', '-s', size, '-c', '3', '-i', '0.2', '10.60.0.2']);
  } finally {
    await lab().dismissClients();
    await namespace.ip('link set d0 mtu 1500');
  }
});

test('a narrow place that swallows large datagrams is found by the client, and full packets arrive', async () => {
  await lab().restartServer();
  await lab().network.switch?.drop('udp dport 443 meta length > 1320', 'udp sport 443 meta length > 1320');
  try {
    const client = await lab().connect({}, 60_000);
    const { mtu } = await client.configuration();
    expect(mtu).toBeLessThan(1320);
    // The smallest step of the client's search; much less would mean that the server answers probes wrongly.
    expect(mtu).toBeGreaterThan(1200);
    const { namespace } = lab().network.device;
    await namespace.run(['ping', '-n', '-s', String(mtu - 28), '-c', '3', '-i', '0.2', '10.60.0.2']);
  } finally {
    await lab().network.switch?.heal();
  }
});
