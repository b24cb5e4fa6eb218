/** What a threshold is about, and the values it has until an administrator changes them. */
export interface ThresholdKind {
  /** `most`: beyond the threshold is bad. `least`: below it is bad. */
  direction: 'most' | 'least';
  unit: string;
  least: number;
  most: number;
  defaultHealthyThreshold: number;
  defaultUnhealthyThreshold: number;
}

/** The four metrics whose thresholds can be changed, with the defaults of the original's documentation. */
export const thresholdKinds: Readonly<Record<string, ThresholdKind>> = {
  cpuUsage: {
    direction: 'most',
    unit: 'percent',
    least: 1,
    most: 100,
    defaultHealthyThreshold: 95,
    defaultUnhealthyThreshold: 99,
  },
  memoryUsage: {
    direction: 'most',
    unit: 'percent',
    least: 1,
    most: 100,
    defaultHealthyThreshold: 95,
    defaultUnhealthyThreshold: 99,
  },
  diskFree: {
    direction: 'least',
    unit: 'gigabytes',
    least: 0,
    most: 10_000,
    defaultHealthyThreshold: 5,
    defaultUnhealthyThreshold: 3,
  },
  latency: {
    direction: 'most',
    unit: 'milliseconds',
    least: 1,
    most: 10_000,
    defaultHealthyThreshold: 10,
    defaultUnhealthyThreshold: 20,
  },
};

/** Both values of a threshold. */
export interface Threshold {
  healthyThreshold: number;
  unhealthyThreshold: number;
}

/** Why the values cannot be used together, each with its field. */
export function thresholdProblems(kind: ThresholdKind, { healthyThreshold, unhealthyThreshold }: Threshold) {
  const problems: { path: string; found: string; message: string }[] = [];
  for (const [path, value] of Object.entries({ healthyThreshold, unhealthyThreshold })) {
    if (Number.isInteger(value) && value >= kind.least && value <= kind.most) continue;
    problems.push({
      path,
      found: String(value),
      message: `expected a whole number of ${kind.unit} from ${kind.least} to ${kind.most}`,
    });
  }
  if (problems.length > 0) return problems;
  const isOrdered =
    kind.direction === 'most'
      ? healthyThreshold <= unhealthyThreshold
      : healthyThreshold >= unhealthyThreshold;
  if (isOrdered) return [];
  const relation = kind.direction === 'most' ? 'at least' : 'at most';
  return [
    {
      path: 'unhealthyThreshold',
      found: String(unhealthyThreshold),
      message: `must be ${relation} healthyThreshold (${healthyThreshold} ${kind.unit})`,
    },
  ];
}
