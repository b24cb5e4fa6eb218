import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sizingFor, sizingTable } from './sizing.ts';

describe('sizing', () => {
  it('is the table for the numbers of the table, with one site and 30 GB', () => {
    for (const row of sizingTable) expect(sizingFor(row.devices)).toEqual({ ...row, sites: 1, diskGb: 30 });
  });

  it('takes the next row for what lies between two rows', () => {
    expect(sizingFor(1).servers).toBe(1);
    expect(sizingFor(2_001)).toMatchObject({ cpus: 8, memoryGb: 8, servers: 2 });
    expect(sizingFor(20_001).servers).toBe(8);
  });

  it('goes on with one server for each 5,000 devices past the table', () => {
    expect(sizingFor(40_001)).toMatchObject({ cpus: 8, memoryGb: 8, servers: 9, sites: 1, diskGb: 30 });
    expect(sizingFor(80_000).servers).toBe(16);
  });

  it('never asks for less when there are more devices', () => {
    const devices = fc.integer({ min: 1, max: 10_000_000 });
    fc.assert(
      fc.property(devices, devices, (left, right) => {
        const [fewer, more] = [Math.min(left, right), Math.max(left, right)].map(sizingFor);
        if (fewer === undefined || more === undefined) throw new Error('two sizes were expected');
        expect(more.cpus).toBeGreaterThanOrEqual(fewer.cpus);
        expect(more.memoryGb).toBeGreaterThanOrEqual(fewer.memoryGb);
        expect(more.servers).toBeGreaterThanOrEqual(fewer.servers);
      }),
    );
  });
});
