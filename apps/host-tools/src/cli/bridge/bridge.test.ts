import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { overlapsOf, readBridgeNetwork } from './bridge-network.ts';
import { explicitNetavarkNetwork, setCniBridge, setDockerBridge, setNetavarkBridge } from './engine-files.ts';
import { setInJson } from './json-text.ts';

const bridge = { network: '192.168.128.0/24', gateway: '192.168.128.1' };

/** As Podman 4.3 of Debian 12 and Podman 3.4 of Ubuntu 22.04 install it. */
const conflist = `{
  "cniVersion": "0.4.0",
  "name": "podman",
  "plugins": [
    {
      "type": "bridge",
      "bridge": "cni-podman0",
      "isGateway": true,
      "ipMasq": true,
      "hairpinMode": true,
      "ipam": {
        "type": "host-local",
        "routes": [{ "dst": "0.0.0.0/0" }],
        "ranges": [
          [
            {
              "subnet": "10.88.0.0/16",
              "gateway": "10.88.0.1"
            }
          ]
        ]
      }
    },
    {
      "type": "portmap",
      "capabilities": {
        "portMappings": true
      }
    },
    {
      "type": "firewall"
    },
    {
      "type": "tuning"
    }
  ]
}
`;

/** What \`podman network inspect podman\` of Podman 5 with netavark prints. */
const inspected = JSON.stringify([
  {
    name: 'podman',
    id: '2f259bab93aaaaa2542ba43ef33eb990d0999ee1b9924b557b7be53c0b7a1bb9',
    driver: 'bridge',
    network_interface: 'podman0',
    created: '2026-01-31T04:40:48.467258383Z',
    subnets: [{ subnet: '10.88.0.0/16', gateway: '10.88.0.1' }],
    ipv6_enabled: false,
    internal: false,
    dns_enabled: false,
    ipam_options: { driver: 'host-local' },
    containers: { abc: { name: 'mstunnel-server' } },
  },
]);

describe('the network of a bridge', () => {
  test('is named with or without the address of the host', () => {
    expect(readBridgeNetwork('192.168.128.0/24')).toEqual(bridge);
    expect(readBridgeNetwork('192.168.128.1/24')).toEqual(bridge);
    expect(readBridgeNetwork('10.9.8.254/24')).toEqual({ network: '10.9.8.0/24', gateway: '10.9.8.254' });
  });

  test.each([
    '',
    '192.168.128.0',
    '8.8.8.0/24',
    '192.168.0.0/30',
    '10.0.0.0/8',
    '192.168.300.0/24',
    'fd00::/64',
    '0.0.0.0/12',
  ])('that is "%s" is refused', (text) =>
    expect(() => readBridgeNetwork(text)).toThrow('expected a private IPv4 network'),
  );

  test('overlaps what shares an address with it', () => {
    const used = ['192.168.0.0/16', '192.168.128.77/32', '192.168.129.0/24', '10.0.0.0/8'].map((network) => ({
      network,
      by: { en: network, ja: network },
    }));
    expect(overlapsOf(bridge, used).map(({ network }) => network)).toEqual([
      '192.168.0.0/16',
      '192.168.128.77/32',
    ]);
  });
});

describe('the file of an engine', () => {
  test('of Docker keeps every other key, their order and its form', () => {
    const text = '{\n    "log-driver": "journald",\n    "bip": "172.17.0.1/16",\n    "mtu": 1400\n}\n';
    expect(setDockerBridge('daemon.json', text, bridge)).toBe(
      text.replace('172.17.0.1/16', '192.168.128.1/24'),
    );
    expect(setDockerBridge('daemon.json', '{\n    "mtu": 1400\n}\n', bridge)).toBe(
      '{\n    "mtu": 1400,\n    "bip": "192.168.128.1/24"\n}\n',
    );
    for (const empty of ['', '{}', ' \n']) {
      expect(JSON.parse(setDockerBridge('daemon.json', empty, bridge))).toEqual({ bip: '192.168.128.1/24' });
    }
  });

  test.each([
    ['{\n  // from the site\n  "mtu": 1400\n}', 'line 2: it is no JSON (comments are not allowed)'],
    ['{\n  "mtu": 1400,\n}', 'it is no JSON (there is a comma before the end)'],
    ['{\n  "mtu": 14', 'line 2: it is no JSON'],
    ['[]', 'another form'],
    ['"bip"', 'another form'],
  ])('of Docker that is %j is refused', (text, told) => {
    expect(() => setDockerBridge('/etc/docker/daemon.json', text, bridge)).toThrow(told);
  });

  test('of CNI keeps everything but network and gateway', () => {
    expect(setCniBridge('87', conflist, bridge)).toBe(
      conflist.replace('10.88.0.0/16', '192.168.128.0/24').replace('10.88.0.1', '192.168.128.1'),
    );
    const old = '{"plugins":[{"type":"bridge","ipam":{"type":"host-local","subnet":"10.88.0.0/16"}}]}';
    expect(JSON.parse(setCniBridge('87', old, bridge))).toEqual({
      plugins: [
        {
          type: 'bridge',
          ipam: { type: 'host-local', subnet: '192.168.128.0/24', gateway: '192.168.128.1' },
        },
      ],
    });
    expect(() => setCniBridge('87', '{"plugins":[]}', bridge)).toThrow('another form');
  });

  test('of netavark is made from what Podman tells when there is none, and keeps IPv6', () => {
    const text = explicitNetavarkNetwork('podman.json', inspected);
    expect(text).not.toContain('mstunnel-server');
    const set = setNetavarkBridge('podman.json', text, bridge);
    expect(set).toBe(text.replace('10.88.0.0/16', '192.168.128.0/24').replace('10.88.0.1', '192.168.128.1'));
    const both = '{"name":"podman","subnets":[{"subnet":"fd00::/64"},{"subnet":"10.88.0.0/16"}]}';
    expect(JSON.parse(setNetavarkBridge('podman.json', both, bridge))).toMatchObject({
      subnets: [{ subnet: 'fd00::/64' }, { subnet: '192.168.128.0/24', gateway: '192.168.128.1' }],
    });
    for (const answer of ['[]', '{}', '[{"name":"other"}]']) {
      expect(() => explicitNetavarkNetwork('podman.json', answer)).toThrow('another form');
    }
  });
});

test('a value is set in any JSON, everything else stays, and the old value gives the old text', () => {
  const document = fc
    .dictionary(fc.string(), fc.jsonValue())
    .filter((value) => !Object.hasOwn(value, '__proto__'));
  fc.assert(
    fc.property(
      document,
      fc.string(),
      fc.string(),
      fc.constantFrom(0, 1, 2, '\t'),
      (object, name, value, indent) => {
        fc.pre(name !== '__proto__');
        const text = JSON.stringify(object, null, indent);
        const set = setInJson(text, [name], value);
        if (set === undefined) throw new Error('an object takes every member');
        expect(JSON.parse(set)).toEqual(JSON.parse(JSON.stringify({ ...object, [name]: value })));
        const before = object[name];
        if (typeof before === 'string') expect(setInJson(set, [name], before)).toBe(text);
      },
    ),
  );
});
