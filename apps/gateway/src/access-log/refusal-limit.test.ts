import { describe, expect, test } from 'vitest';
import { RefusalLimit } from './refusal-limit.ts';

describe('the limit of refusals in the access log', () => {
  test('leaves out what an address causes beyond thirty lines a minute, and counts it', () => {
    const limit = new RefusalLimit();
    const logged = Array.from({ length: 100 }, () => limit.admit('192.0.2.1', 1000)).filter(({ log }) => log);
    expect(logged).toHaveLength(30);
    expect(limit.admit('192.0.2.1', 61_000)).toEqual({ log: true, suppressed: 70 });
    expect(limit.admit('192.0.2.1', 61_000)).toEqual({ log: true, suppressed: 0 });
  });

  test('does not touch other addresses', () => {
    const limit = new RefusalLimit();
    for (let count = 0; count < 100; count += 1) limit.admit('192.0.2.1', 1000);
    expect(limit.admit('192.0.2.2', 1000).log).toBe(true);
  });
});
