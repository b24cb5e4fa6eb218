import { networksOverlap } from '@culvert/contracts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chooseFreeNetwork, networksOfRoutes } from './free-network.ts';

describe('the address pool of a first start', () => {
  test('is the preferred one on a host without routes of that kind', () => {
    expect(chooseFreeNetwork(['192.168.1.0/24'])).toBe('10.70.0.0/16');
  });

  test('is another one when the preferred one is in use', () => {
    expect(chooseFreeNetwork(['10.70.3.0/24'])).toBe('10.71.0.0/16');
  });

  test('comes from another range when all of 10.0.0.0/8 is in use', () => {
    expect(chooseFreeNetwork(['10.0.0.0/8'])).toBe('172.20.0.0/16');
  });

  test('is missing when nothing is free', () => {
    expect(chooseFreeNetwork(['10.0.0.0/8', '172.16.0.0/12'])).toBeUndefined();
  });

  test('never overlaps what the host knows', () => {
    const network = fc
      .tuple(fc.constantFrom(10, 172, 192), fc.nat(255), fc.constantFrom(8, 12, 16))
      .map(([first, second, length]) => {
        const masked = length === 8 ? 0 : length === 12 ? second & 0xf0 : second;
        return `${first}.${masked}.0.0/${length}`;
      });
    fc.assert(
      fc.property(fc.array(network, { maxLength: 20 }), (known) => {
        const chosen = chooseFreeNetwork(known);
        return chosen === undefined || known.every((one) => !networksOverlap(chosen, one));
      }),
    );
  });
});

describe('routes of the host', () => {
  test('give their destinations, without the default route', () => {
    const json = JSON.stringify([
      { dst: 'default', gateway: '192.0.2.1' },
      { dst: '192.0.2.0/24', dev: 'eth0' },
      { dst: '198.51.100.7', dev: 'eth0' },
    ]);
    expect(networksOfRoutes(json)).toEqual(['192.0.2.0/24', '198.51.100.7/32']);
  });
});
