const units: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000 };
const longestDays = 365;

/** Milliseconds of `30m`, `12h` or `7d`; undefined for anything else, and beyond a year. */
export function parseDuration(text: string): number | undefined {
  const [, count, unit] = /^([1-9]\d{0,5})([mhd])$/.exec(text) ?? [];
  if (count === undefined || unit === undefined) return undefined;
  const milliseconds = Number(count) * (units[unit] ?? Number.NaN);
  return milliseconds <= longestDays * 86_400_000 ? milliseconds : undefined;
}

export const durationRule = 'expected a number with m, h or d, such as 1h or 30d, and at most 365d';
