import fc from 'fast-check';
import { expect, test } from 'vitest';
import { averageOfOne, combine, noSamples } from './averages.ts';

const values = fc.dictionary(
  fc.constantFrom('cpuUsage', 'latency', 'diskFree'),
  fc.double({ min: -1000, max: 1000, noNaN: true }),
);

test('the average of averages is that of all samples, however they were grouped and ordered', () => {
  const groups = fc.array(fc.array(values, { maxLength: 6 }), { maxLength: 6 });
  fc.assert(
    fc.property(groups, (grouped) => {
      const whole = combine(grouped.map((group) => combine(group.map(averageOfOne))));
      const samples = grouped.flat().reverse();
      expect(whole.count).toBe(samples.length);
      for (const name of ['cpuUsage', 'latency', 'diskFree']) {
        const known = samples.flatMap((sample) => sample[name] ?? []);
        expect(known.length).toBe(name in whole.values ? (whole.counts[name] ?? whole.count) : 0);
        if (known.length === 0) continue;
        const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
        expect(whole.values[name]).toBeCloseTo(mean, 3);
      }
    }),
  );
});

test('nothing is made up of nothing', () => {
  expect(combine([])).toEqual(noSamples);
  expect(combine([averageOfOne({}), noSamples])).toEqual({ values: {}, count: 1, counts: {} });
});
