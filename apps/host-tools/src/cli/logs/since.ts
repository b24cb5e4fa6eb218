import { WrongUse } from '../../program/failure.ts';

const unitSeconds: Record<string, number> = { h: 3600, m: 60, s: 1 };

/**
 * Reads `--since`: a time of ISO 8601, seconds since 1970, or how long ago (`90s`, `15m`, `1h30m`). Unix time in milliseconds. Throws
 * a WrongUse.
 */
export function readSince(text: string, now: number): number {
  const ago = /^(?:\d+[hms])+$/.exec(text);
  if (ago !== null) {
    const parts = text.matchAll(/(\d+)([hms])/g);
    const seconds = [...parts].reduce(
      (sum, [, count, unit = 's']) => sum + Number(count) * (unitSeconds[unit] ?? 1),
      0,
    );
    return now - seconds * 1000;
  }
  const time = /^\d{9,11}$/.test(text)
    ? Number(text) * 1000
    : /^\d{4}-\d{2}-\d{2}/.test(text)
      ? Date.parse(text)
      : Number.NaN;
  if (Number.isFinite(time)) return time;
  throw new WrongUse({
    en: `--since: expected a time such as 2026-01-31T08:00:00 or how long ago, such as 15m or 1h30m; found "${text}"`,
    ja: `--since: 2026-01-31T08:00:00 のような日時、または 15m や 1h30m のような経過時間を指定してください (指定値: ${text})`,
  });
}
