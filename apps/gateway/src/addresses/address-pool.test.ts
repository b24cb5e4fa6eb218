import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AddressPool, type Lease } from './address-pool.ts';

describe('an address pool', () => {
  test.each([
    ['10.0.0.0/16', 65_533, '10.0.0.2', '10.0.0.1'],
    ['10.70.0.0/24', 253, '10.70.0.2', '10.70.0.1'],
    ['192.0.2.4/30', 1, '192.0.2.6', '192.0.2.5'],
  ])('of %s leases %d addresses from %s, without the gateway %s', (network, count, first, gateway) => {
    const pool = new AddressPool(network);
    expect(pool.gatewayIpv4).toBe(gateway);
    const leased = new Set<string>();
    for (let lease = pool.allocate(); lease !== undefined; lease = pool.allocate()) leased.add(lease.ipv4);
    expect(leased.size).toBe(count);
    expect([...leased][0]).toBe(first);
    expect(leased.has(gateway)).toBe(false);
  });

  test('leases the same host number of both families', () => {
    const pool = new AddressPool('10.70.0.0/24', 'fd70::/112');
    expect(pool.gatewayIpv6).toBe('fd70::1');
    expect(pool.allocate()).toEqual({ ipv4: '10.70.0.2', ipv6: 'fd70::2' });
    expect(pool.allocate()).toEqual({ ipv4: '10.70.0.3', ipv6: 'fd70::3' });
  });

  test('leases IPv4 alone when the IPv6 network is smaller', () => {
    const pool = new AddressPool('10.70.0.0/24', 'fd70::/126');
    expect([pool.allocate(), pool.allocate(), pool.allocate()].map((lease) => lease?.ipv6)).toEqual([
      'fd70::2',
      'fd70::3',
      undefined,
    ]);
  });

  test('uses a released address after every other one', () => {
    const pool = new AddressPool('10.70.0.0/29');
    const first = pool.allocate();
    if (first === undefined) throw new Error('no lease');
    pool.release(first);
    const order = Array.from({ length: 5 }, () => pool.allocate()?.ipv4);
    expect(order.at(-1)).toBe(first.ipv4);
    expect(pool.allocate()).toBeUndefined();
  });

  test('names the free address that is allocated last', () => {
    const pool = new AddressPool('10.70.0.0/29');
    expect(pool.lastFreeIpv4).toBe('10.70.0.6');
    const leases = Array.from({ length: 4 }, () => pool.allocate());
    expect(pool.lastFreeIpv4).toBe('10.70.0.6');
    pool.allocate();
    expect(pool.lastFreeIpv4).toBeUndefined();
    for (const lease of leases) if (lease !== undefined) pool.release(lease);
    expect(pool.lastFreeIpv4).toBe('10.70.0.5');
  });

  test('does not take addresses of another network, twice, or with another IPv6 address', () => {
    const pool = new AddressPool('10.70.0.0/24', 'fd70::/112');
    expect(pool.reserve({ ipv4: '10.71.0.2' })).toBe(false);
    expect(pool.reserve({ ipv4: '10.70.0.1' })).toBe(false);
    expect(pool.reserve({ ipv4: '10.70.0.255' })).toBe(false);
    expect(pool.reserve({ ipv4: '10.70.0.9', ipv6: 'fd71::9' })).toBe(false);
    expect(pool.reserve({ ipv4: '10.70.0.9', ipv6: 'fd70::9' })).toBe(true);
    expect(pool.reserve({ ipv4: '10.70.0.9' })).toBe(false);
  });

  test('of 65,533 addresses costs less than 1 MB', () => {
    const before = process.memoryUsage().arrayBuffers;
    const pool = new AddressPool('10.0.0.0/16');
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000);
    expect(pool.free).toBe(65_533);
  });

  test('never leases an address twice and loses none, whatever happens in whatever order', () => {
    const step = fc.oneof(
      fc.constant({ kind: 'allocate' as const }),
      fc.record({ kind: fc.constant('release' as const), host: fc.nat(20) }),
      fc.record({ kind: fc.constant('reserve' as const), host: fc.nat(20) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const pool = new AddressPool('10.0.0.0/28');
        const held = new Set<string>();
        for (const action of steps) {
          if (action.kind === 'allocate') {
            const lease = pool.allocate();
            expect(lease === undefined).toBe(held.size === pool.capacity);
            if (lease === undefined) continue;
            expect(held.has(lease.ipv4)).toBe(false);
            held.add(lease.ipv4);
            continue;
          }
          const lease: Lease = { ipv4: `10.0.0.${action.host}` };
          const usable = action.host >= 2 && action.host <= 14;
          if (action.kind === 'release') {
            pool.release(lease);
            held.delete(lease.ipv4);
          } else {
            expect(pool.reserve(lease)).toBe(usable && !held.has(lease.ipv4));
            if (usable) held.add(lease.ipv4);
          }
          expect(pool.free).toBe(pool.capacity - held.size);
          expect(held.has(pool.lastFreeIpv4 ?? '')).toBe(false);
          expect(pool.lastFreeIpv4 === undefined).toBe(pool.free === 0);
        }
      }),
    );
  });
});
