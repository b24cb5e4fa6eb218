import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Device } from '../http/device.ts';
import { testConfiguration } from '../service-testing.ts';
import { noTraffic, type Session } from '../sessions/session.ts';
import { type ConnectRequest, readConnectRequest, readCookie, readMtu } from './connect-request.ts';
import { type ConnectAnswer, connectResponse, rekeySeconds } from './connect-response.ts';
import { chooseDtlsMode } from './dtls-mode.ts';
import { tunnelMtu } from './mtu.ts';
import { planTunnel } from './plan-tunnel.ts';

const secret = 'ab'.repeat(48);
const openconnect = {
  'user-agent': 'AnyConnect-compatible OpenConnect VPN Agent v9.21-unknown',
  'x-cstp-base-mtu': '1500',
  'x-cstp-address-type': 'IPv6,IPv4',
  'x-cstp-full-ipv6-capability': 'true',
};

function answer(
  headers: Record<string, string>,
  server: Record<string, unknown> = {},
  changes: Partial<ConnectAnswer> = {},
): string {
  const request = readConnectRequest({ ...openconnect, ...headers });
  return connectResponse({
    request,
    configuration: testConfiguration({ server }),
    ipv4: '10.70.0.2',
    ipv6: 'fd70::2',
    gatewayIpv4: '10.70.0.1',
    gatewayIpv6: 'fd70::1',
    mtu: tunnelMtu(request.baseMtu, undefined, '192.0.2.1'),
    dtls: { mode: 'psk' },
    dtlsId: 'cd'.repeat(32),
    sessionSeconds: 3600,
    remainingSeconds: 3000,
    random: 0.5,
    ...changes,
  });
}

describe('the answer to CONNECT', () => {
  test('of openconnect is complete and in the case that clients compare', () => {
    expect(
      answer(
        {},
        { defaultDomainSuffix: 'corp.example', advancedSettings: [{ name: 'banner', value: 'Hello' }] },
      ),
    ).toBe(
      [
        'HTTP/1.1 200 CONNECTED',
        'X-CSTP-Version: 1',
        'X-CSTP-Protocol: Copyright (c) 2004 Cisco Systems, Inc.',
        'X-CSTP-License: accept',
        'X-CSTP-Keep: true',
        'X-CSTP-TCP-Keepalive: true',
        'X-CSTP-Quarantine: false',
        'X-CSTP-Disable-Always-On-VPN: false',
        'X-CSTP-Client-Bypass-Protocol: false',
        'X-CSTP-Routing-Filtering-Ignore: false',
        'X-CSTP-Smartcard-Removal-Disconnect: true',
        'X-CSTP-Address: 10.70.0.2',
        'X-CSTP-Netmask: 255.255.255.255',
        'X-CSTP-Address-IP6: fd70::2/128',
        'X-CSTP-Base-MTU: 1500',
        'X-CSTP-MTU: 1434',
        'X-CSTP-DNS: 10.70.0.53',
        'X-CSTP-Default-Domain: corp.example',
        'X-CSTP-Tunnel-All-DNS: true',
        'X-CSTP-DPD: 30',
        'X-CSTP-Keepalive: 20',
        'X-CSTP-Idle-Timeout: none',
        'X-CSTP-Disconnected-Timeout: 600',
        'X-CSTP-Rekey-Time: 86400',
        'X-CSTP-Rekey-Method: new-tunnel',
        'X-CSTP-Session-Timeout-Alert-Interval: 60',
        'X-CSTP-Session-Timeout: 3600',
        'X-CSTP-Session-Timeout-Remaining: 3000',
        'X-DTLS-Port: 443',
        `X-DTLS-App-ID: ${'cd'.repeat(32)}`,
        'X-DTLS-CipherSuite: PSK-NEGOTIATE',
        'X-DTLS-DPD: 30',
        'X-DTLS-Keepalive: 20',
        'X-DTLS-Rekey-Time: 86400',
        'X-DTLS-Rekey-Method: new-tunnel',
        'X-CSTP-Banner: Hello',
        '\r\n',
      ].join('\r\n'),
    );
  });

  test('names the chosen suite of the resumption mode in the header of its kind', () => {
    const dtls = {
      mode: 'resume',
      header: 'X-DTLS12-CipherSuite',
      cipherSuite: 'AES128-GCM-SHA256',
    } as const;
    const text = answer({}, {}, { dtls });
    expect(text).toContain(
      `X-DTLS-Session-ID: ${'cd'.repeat(32)}\r\nX-DTLS12-CipherSuite: AES128-GCM-SHA256\r\n`,
    );
    expect(text).not.toContain('App-ID');
  });

  test('without DTLS has no X-DTLS header', () => {
    expect(answer({}, {}, { dtls: undefined })).not.toContain('X-DTLS');
  });

  test('gives IPv6 in the old form to clients without the full capability', () => {
    const text = answer({ 'x-cstp-full-ipv6-capability': 'false' });
    expect(text).toContain('X-CSTP-Address: fd70::2\r\nX-CSTP-Netmask: fd70::2/128\r\n');
    expect(text).not.toContain('Address-IP6');
  });

  test('splits routes by family, IPv4 with netmasks', () => {
    const text = answer(
      {},
      { routeIncludes: ['10.0.0.0/8', '2001:db8::/32'], routeExcludes: ['10.9.0.0/16'] },
    );
    expect(text).toContain('X-CSTP-Split-Include: 10.0.0.0/255.0.0.0\r\n');
    expect(text).toContain('X-CSTP-Split-Include-IP6: 2001:db8::/32\r\n');
    expect(text).toContain('X-CSTP-Split-Exclude: 10.9.0.0/255.255.0.0\r\n');
    expect(answer({})).not.toContain('Split-Include');
  });

  test('of a split configuration never leaves a family without an include, which would be a full tunnel', () => {
    expect(answer({}, { routeIncludes: ['2001:db8::/32'] })).toContain(
      'X-CSTP-Split-Include: 10.70.0.1/255.255.255.255\r\n',
    );
    expect(answer({}, { routeIncludes: ['10.0.0.0/8'] })).toContain(
      'X-CSTP-Split-Include-IP6: fd70::1/128\r\n',
    );
    const ios = { 'user-agent': 'Cisco AnyConnect VPN Agent for Apple iPhone 5.1' };
    expect(answer(ios, { routeIncludes: ['10.0.0.0/8'] })).toContain(
      'X-CSTP-Split-Include-IP6: 2000::/3\r\n',
    );
    expect(answer(ios)).not.toContain('2000::/3');
  });

  test('names IPv6 DNS servers as the client reads them, and not to clients without IPv6', () => {
    const server = { dnsServers: ['fd00::53'] };
    expect(answer({}, server)).toContain('X-CSTP-DNS: fd00::53\r\n');
    expect(answer({ 'user-agent': 'AnyConnect Windows 4.10' }, server)).toContain(
      'X-CSTP-DNS-IP6: fd00::53\r\n',
    );
    expect(answer({}, server, { ipv6: undefined })).not.toContain('fd00::53');
  });

  test('tells the proxy of the client', () => {
    const configuration = (clientProxy: unknown) => ({
      configuration: testConfiguration({ standalone: { clientProxy } }),
    });
    expect(answer({}, {}, configuration({ pacUrl: 'http://proxy/p.pac' }))).toContain(
      'X-CSTP-MSIE-Proxy-PAC-URL: http://proxy/p.pac\r\n',
    );
    const text = answer({}, {}, configuration({ server: 'proxy:8080', exceptions: ['*.corp'] }));
    expect(text).toContain('X-CSTP-MSIE-Proxy-Server: proxy:8080\r\nX-CSTP-MSIE-Proxy-Exception: *.corp\r\n');
  });

  test('contains no line that a value smuggled in', () => {
    const configuration = testConfiguration();
    configuration.settings.banner = 'a\r\nX-CSTP-DNS: 192.0.2.66';
    expect(answer({}, {}, { configuration })).not.toContain('192.0.2.66');
  });
});

test('the rekey time is spread by a tenth and stays below 2³¹', () => {
  expect([0, 0.5, 1].map((random) => rekeySeconds(1000, random))).toEqual([900, 1000, 1100]);
  expect(rekeySeconds(2 ** 31 - 1, 1)).toBe(2 ** 31 - 1);
});

describe('the DTLS mode', () => {
  const request = (headers: Record<string, string>): ConnectRequest =>
    readConnectRequest({ 'x-dtls-master-secret': secret, ...headers });

  test.each([
    [{ 'x-dtls-ciphersuite': 'AES256-SHA:PSK-NEGOTIATE' }, { mode: 'psk' }],
    [{ 'x-dtls-ciphersuite': 'XPSK-NEGOTIATE:AES256-SHA' }, undefined],
    [
      { 'x-dtls12-ciphersuite': 'AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256' },
      { mode: 'resume', header: 'X-DTLS12-CipherSuite', cipherSuite: 'ECDHE-RSA-AES128-GCM-SHA256' },
    ],
    [
      { 'x-dtls-ciphersuite': 'OC2-DTLS1_2-CHACHA20-POLY1305:OC-DTLS1_2-AES128-GCM' },
      { mode: 'resume', header: 'X-DTLS-CipherSuite', cipherSuite: 'OC-DTLS1_2-AES128-GCM' },
    ],
    [{ 'x-dtls12-ciphersuite': 'ECDHE-ECDSA-AES256-GCM-SHA384' }, undefined],
    [{ 'x-dtls-ciphersuite': 'DHE-RSA-AES128-SHA:AES256-SHA' }, undefined],
    [{ 'x-dtls12-ciphersuite': 'AES128-GCM-SHA256', 'x-dtls-master-secret': secret.slice(2) }, undefined],
    [
      { 'x-dtls12-ciphersuite': 'AES128-GCM-SHA256', 'x-dtls-master-secret': `${secret}, ${secret}` },
      undefined,
    ],
    [{}, undefined],
  ] as const)('of %j is %j', (headers, mode) => {
    expect(chooseDtlsMode(request(headers))).toEqual(mode);
  });
});

describe('the MTU', () => {
  test.each([
    [1500, undefined, '192.0.2.1', 1434, true],
    [1500, undefined, '2001:db8::1', 1414, true],
    [1500, 1400, '192.0.2.1', 1334, true],
    [1500, 576, '192.0.2.1', 576, false],
    [9000, 9000, '192.0.2.1', 8934, true],
    [1300, undefined, '192.0.2.1', 1234, false],
  ])('of path %d, link %s to %s is %d', (base, link, outer, inner, allowsIpv6) => {
    expect(tunnelMtu(base, link, outer)).toMatchObject({ inner, allowsIpv6 });
  });

  test('from any text stays inside 800 and 16384', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.integer().map(String), fc.bigInt().map(String)), (text) => {
        const mtu = readMtu(text);
        return Number.isInteger(mtu) && mtu >= 800 && mtu <= 16_384;
      }),
    );
  });
});

test('the cookie is found among others, and two different ones are none', () => {
  expect(readCookie('openconnect_strapkey=abc=; webvpn=12', 'webvpn')).toBe('12');
  expect(readCookie('webvpn=12; webvpn=13', 'webvpn')).toBeUndefined();
  expect(readCookie('webvpncontext=1', 'webvpn')).toBeUndefined();
  expect(readCookie(undefined, 'webvpn')).toBeUndefined();
});

test('clients without X-CSTP-Address-Type get IPv4 only', () => {
  expect(readConnectRequest({})).toMatchObject({ wantsIpv4: true, wantsIpv6: false, baseMtu: 1500 });
});

test('host names are cut, cleaned and read as UTF-8', () => {
  const hostname = (text: string) =>
    readConnectRequest({ 'x-cstp-hostname': Buffer.from(text).toString('latin1') }).hostname;
  expect(hostname('アリスのノート')).toBe('アリスのノート');
  expect(hostname('a\u202eb\u0007c')).toBe('abc');
  expect(hostname('x'.repeat(500))).toHaveLength(64);
});

describe('a device that comes by a path too narrow for IPv6', () => {
  const session: Session = {
    id: '0011223344556677',
    cookieHash: '',
    user: 'alice',
    lease: { ipv4: '10.70.0.2', ipv6: 'fd70::2' },
    dtlsId: 'ab'.repeat(32),
    platform: 'linux',
    remoteAddress: '192.0.2.1',
    signedInAt: 0,
    endsAt: 3_600_000,
    state: 'attached',
    deadline: 0,
    hostname: undefined,
    mtu: undefined,
    connectedAt: 0,
    carried: noTraffic,
    seen: noTraffic,
    lost: false,
  };
  const device: Device = {
    connection: 1,
    address: '192.0.2.1',
    port: 1,
    serverAddress: '192.0.2.2',
    serverPort: 443,
    tlsVersion: undefined,
    tlsCipherSuite: undefined,
    certificateChain: [],
    possessionProved: false,
  };
  const plan = (headers: Record<string, string>) =>
    planTunnel({
      request: readConnectRequest({ ...openconnect, 'x-cstp-base-mtu': '1280', ...headers }),
      device,
      session,
      configuration: testConfiguration(),
      gatewayIpv4: '10.70.0.1',
      gatewayIpv6: 'fd70::1',
      now: 0,
      random: 0.5,
    });

  test('gets no IPv6 address at first', () => {
    expect(plan({}).ipv6).toBeUndefined();
    expect(plan({ 'x-cstp-address': '10.70.0.2, fd70::3' }).ipv6).toBeUndefined();
  });

  test('keeps the one that it has, because it would end without', () => {
    const { ipv6, response } = plan({ 'x-cstp-address': '10.70.0.2, FD70:0::2' });
    expect(ipv6).toBe('fd70::2');
    expect(Buffer.from(response, 'base64').toString()).toContain('X-CSTP-Address-IP6: fd70::2/128');
  });
});
