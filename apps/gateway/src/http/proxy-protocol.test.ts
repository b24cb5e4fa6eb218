import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readProxyHeader } from './proxy-protocol.ts';
import { proxyHeader } from './relay-testing.ts';

describe('the PROXY header of the engine', () => {
  test('carries the addresses, the TLS facts, the connection and the certificate chain', () => {
    const certificates = [Buffer.alloc(1200, 1), Buffer.alloc(70_000 - 65_536, 2)];
    const header = proxyHeader({ address: '203.0.113.9', connection: 2 ** 40 + 5, certificates });
    expect(readProxyHeader(Buffer.concat([header, Buffer.from('GET')]))).toEqual({
      kind: 'device',
      length: header.length,
      device: {
        connection: 2 ** 40 + 5,
        address: '203.0.113.9',
        port: 0xc001,
        serverAddress: '192.0.2.1',
        serverPort: 443,
        tlsVersion: 'TLSv1.3',
        tlsCipherSuite: 'TLS_AES_256_GCM_SHA384',
        certificateChain: certificates,
        possessionProved: true,
      },
    });
  });

  test('carries IPv6 addresses', () => {
    const header = readProxyHeader(proxyHeader({ address: '2001:db8::7' }));
    expect(header.kind === 'device' && header.device.address).toBe('2001:db8::7');
  });

  test('without a certificate proves nothing', () => {
    const header = readProxyHeader(proxyHeader());
    expect(header.kind === 'device' && header.device.possessionProved).toBe(false);
  });

  test('is waited for byte by byte', () => {
    const header = proxyHeader({ certificates: [Buffer.alloc(50)] });
    for (let length = 0; length < header.length; length += 1) {
      expect(readProxyHeader(header.subarray(0, length)).kind).toBe('more');
    }
  });

  test.each([
    ['another-signature', Buffer.from('GET / HTTP/1.1\r\n')],
    ['version-1', Buffer.from('PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n')],
    ['local-command', Buffer.from('0d0a0d0a000d0a515549540a20000000', 'hex')],
    ['unix-family', Buffer.from('0d0a0d0a000d0a515549540a21310000', 'hex')],
    ['address-block-cut-off', Buffer.from('0d0a0d0a000d0a515549540a21110004c0000201', 'hex')],
  ])('is refused: %s', (_name, bytes) => {
    expect(readProxyHeader(bytes).kind).toBe('refused');
  });

  test('of any bytes behind a right beginning is read or refused, never thrown at', () => {
    const start = proxyHeader({ certificates: [Buffer.alloc(20)] });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(start.length), (bytes, keep) => {
        const result = readProxyHeader(Buffer.concat([start.subarray(0, keep), bytes]));
        expect(['more', 'device', 'refused']).toContain(result.kind);
      }),
      { numRuns: 2000 },
    );
  });

  test('whose TLVs are changed anywhere is read or refused, never thrown at', () => {
    const start = proxyHeader({ certificates: [Buffer.alloc(20)] });
    fc.assert(
      fc.property(fc.integer({ min: 16, max: start.length - 1 }), fc.nat(255), (index, value) => {
        const changed = Buffer.from(start);
        changed[index] = value;
        expect(['device', 'refused']).toContain(readProxyHeader(changed).kind);
      }),
      { numRuns: 2000 },
    );
  });
});
