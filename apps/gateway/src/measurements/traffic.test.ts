import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { defaultInterface, defaultInterface6, parseTraffic, readTraffic } from './traffic.ts';

describe('the public side', () => {
  const header = 'Inter-|   Receive                |  Transmit\n face |bytes packets|bytes packets\n';

  test('has counters of both directions, also of an alias', () => {
    const text = `${header}    lo: 5 0 0 0 0 0 0 0 6 0 0 0 0 0 0 0\neth0:1:7 0 0 0 0 0 0 0 8 0 0 0 0 0 0 0\n`;
    expect([...parseTraffic(text)]).toEqual([
      ['lo', { received: 5, sent: 6 }],
      ['eth0:1', { received: 7, sent: 8 }],
    ]);
  });

  test('of this machine can be read', () => {
    expect(parseTraffic(readFileSync('/proc/net/dev', 'utf8')).has('lo')).toBe(true);
  });

  test('is the interface of the default route that is up and has the smallest metric', () => {
    const route = [
      'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT',
      'wan1\t00000000\t0100000A\t0003\t0\t0\t200\t00000000\t0\t0\t0',
      'wan0\t00000000\t0100000A\t0003\t0\t0\t100\t00000000\t0\t0\t0',
      'down\t00000000\t0100000A\t0002\t0\t0\t1\t00000000\t0\t0\t0',
      'lan0\t0000000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0',
    ].join('\n');
    expect(defaultInterface(route)).toBe('wan0');
    expect(defaultInterface('Iface\tDestination\n')).toBeUndefined();
  });

  test('is found by IPv6 as well', () => {
    const zero = '0'.repeat(32);
    const line = (metric: string, name: string) =>
      `${zero} 00 ${zero} 00 ${zero} ${metric} 1 0 00000003 ${name}`;
    expect(defaultInterface6([line('00000400', 'wan1'), line('00000100', 'wan0')].join('\n'))).toBe('wan0');
    expect(defaultInterface6(line('ffffffff', 'lo'))).toBeUndefined();
  });

  test('is told by the addresses that it listens at, or refused with them', async () => {
    const { interfaces } = await readTraffic(['127.0.0.1']);
    expect(interfaces.map(({ name }) => name)).toEqual(['lo']);
    await expect(readTraffic(['192.0.2.1'])).rejects.toThrow('no interface has the address 192.0.2.1');
  });

  test('is read from any text of the kernel as numbers', () => {
    const words = fc.constantFrom(' ', '\n', ':', '-1', '12', '0', 'eth0', '00000000', '0003', '1e400', '/');
    const text = fc.oneof(
      fc.string({ maxLength: 300, unit: 'binary' }),
      fc.array(words, { maxLength: 80 }).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(text, (any) => {
        for (const { received, sent } of parseTraffic(any).values()) {
          expect(received).not.toBeNaN();
          expect(sent).not.toBeNaN();
        }
        defaultInterface(any);
        defaultInterface6(any);
      }),
    );
  });
});
