/** How a metric is, or that nobody can tell. "Cannot tell" is not bad: it never counts against a server. */
export const metricStatuses = ['healthy', 'warning', 'unhealthy', 'unknown'] as const;
export type MetricStatus = (typeof metricStatuses)[number];

/** The last value of a band. */
export interface Bound {
  value: number;
  /** Whether that value itself is in the band. */
  isIncluded: boolean;
}

/** From which values on a metric is healthy, and where the warning ends. Without a warning, what is not healthy is unhealthy. */
export interface Bands {
  better: 'low' | 'high';
  healthy: Bound;
  warning?: Bound;
}

/** The band of a value. */
export function judge(value: number, { better, healthy, warning }: Bands): Exclude<MetricStatus, 'unknown'> {
  const isWithin = (bound: Bound) =>
    value === bound.value ? bound.isIncluded : better === 'low' ? value < bound.value : value > bound.value;
  if (isWithin(healthy)) return 'healthy';
  return warning !== undefined && isWithin(warning) ? 'warning' : 'unhealthy';
}

/** The bands in words, such as "healthy at most 95 %, unhealthy above 99 %". */
export function describeBands({ better, healthy, warning }: Bands, unit: string): string {
  const inside = (bound: Bound) =>
    `${bound.isIncluded ? within[better] : beyond[better]} ${bound.value}${unit}`;
  const outside = (bound: Bound) => {
    const other = better === 'low' ? 'high' : 'low';
    return `${bound.isIncluded ? beyond[other] : within[other]} ${bound.value}${unit}`;
  };
  return `healthy ${inside(healthy)}, unhealthy ${outside(warning ?? healthy)}`;
}

const within = { low: 'up to', high: 'from' };
const beyond = { low: 'below', high: 'above' };
