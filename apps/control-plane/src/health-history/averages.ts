/** Values of one sample or average, by metric. */
export type Values = Readonly<Record<string, number>>;

/** The average of so many samples. A metric that is not in all of them has a number of its own. */
export interface Average {
  values: Values;
  count: number;
  /** Only of metrics whose number of samples is not `count`. */
  counts: Readonly<Record<string, number>>;
}

export const noSamples: Average = { values: {}, count: 0, counts: {} };

/** A single sample as an average. */
export function averageOfOne(values: Values): Average {
  return { values, count: 1, counts: {} };
}

/** The average of all samples of these averages, whatever their order and grouping. */
export function combine(averages: readonly Average[]): Average {
  const sums = new Map<string, { sum: number; count: number }>();
  let count = 0;
  for (const average of averages) {
    count += average.count;
    for (const [name, value] of Object.entries(average.values)) {
      const weight = average.counts[name] ?? average.count;
      const { sum, count: before } = sums.get(name) ?? { sum: 0, count: 0 };
      sums.set(name, { sum: sum + value * weight, count: before + weight });
    }
  }
  const counted = [...sums].filter(([, one]) => one.count > 0);
  return {
    values: Object.fromEntries(counted.map(([name, one]) => [name, rounded(one.sum / one.count)])),
    count,
    counts: Object.fromEntries(
      counted.filter(([, one]) => one.count !== count).map(([name, one]) => [name, one.count]),
    ),
  };
}

/** Four digits behind the point: far finer than anything measured, and short in the database. */
function rounded(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}
