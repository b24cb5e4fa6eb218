import { describe, expect, test } from 'vitest';
import { firewallScript, tableName } from './firewall-rules.ts';
import { firstHost, type TunnelNetwork, tunnelOverhead } from './tunnel-network.ts';

const network: TunnelNetwork = {
  interface: 'culvert0',
  ipv4: { network: '10.70.0.0/16', gateway: '10.70.0.1' },
  ipv6: { network: 'fd70::/112', gateway: 'fd70::1' },
  mtu: 1434,
  internalInterface: undefined,
  allowDeviceToDevice: false,
  dnsServers: ['10.60.0.53', 'fd60::53'],
};
const script = (change: Partial<TunnelNetwork> = {}, forwardOnlyTunnel = false) =>
  firewallScript({ ...network, ...change }, { forwardOnlyTunnel });

describe('the firewall of the tunnel', () => {
  test('keeps devices from each other unless they are allowed to', () => {
    expect(script()).toContain('    oifname "culvert0" drop\n');
    expect(script({ allowDeviceToDevice: true })).toContain('    oifname "culvert0" accept\n');
  });

  test('lets devices out by the internal interface only, when there is one', () => {
    expect(script()).not.toContain('oifname != "eth1" drop');
    expect(script({ internalInterface: 'eth1' })).toContain('oifname != "eth1" drop');
    expect(script({ internalInterface: 'eth1' })).toContain(
      'ip saddr 10.70.0.0/16 oifname "eth1" masquerade',
    );
  });

  test('drops all IPv6 of the tunnel when devices have none', () => {
    const { ipv6: _, ...onlyIpv4 } = network;
    expect(firewallScript(onlyIpv4, { forwardOnlyTunnel: false })).toContain(
      'iifname "culvert0" meta nfproto ipv6 drop',
    );
  });

  test('makes no router of a host that was none', () => {
    expect(script({}, true)).toContain('    iifname != "culvert0" drop\n');
    expect(script({}, false)).toContain('    iifname != "culvert0" accept\n');
  });

  test('has a table of its own for every name of an interface', () => {
    expect(tableName('vpn-a.1')).toBe('culvert_vpn_a_1');
  });
});

test('the gateway takes the first host address of a pool', () => {
  expect(['10.70.0.0/16', '10.70.4.8/30', 'fd70::/112'].map(firstHost)).toEqual([
    '10.70.0.1',
    '10.70.4.9',
    'fd70::1',
  ]);
});

test('the overhead is that of DTLS 1.2 with AES-GCM over IPv4', () => {
  expect(1500 - tunnelOverhead).toBe(1434);
});
