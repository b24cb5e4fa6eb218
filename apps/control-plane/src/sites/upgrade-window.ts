/** When upgrades of a site may begin; times of day are `HH:MM:SS.fffffff`. */
export interface UpgradeWindow {
  start: string;
  end: string;
  /** A time zone of the IANA list, or a fixed offset in minutes. */
  zone: string | number;
}

/** The present offset of a time zone in minutes, daylight saving included. */
export function offsetMinutes(timeZone: string, now: Date): number {
  return Math.round(zoned(timeZone, now).offsetNanoseconds / 60e9);
}

/**
 * The window that is open now, or the next one to open. A window belongs to the day on which it opens; where clocks are put
 * forward over its start it opens as much later, and an hour that comes twice opens it once.
 */
export function nextUpgradeWindow(
  { start, end, zone }: UpgradeWindow,
  now: Date,
): { opens: Date; closes: Date } {
  const name = typeof zone === 'number' ? fixedZone(zone) : zone;
  const today = zoned(name, now).toPlainDate();
  // A short window may fall into the gap as a whole, and then there is none on that day.
  for (const days of [-1, 0, 1, 2]) {
    const opens = at(today.add({ days }), start, name);
    // An end that is not behind the start is on the next day.
    const sameDay = at(today.add({ days }), end, name);
    const closes = end > start ? sameDay : at(today.add({ days: days + 1 }), end, name);
    if (closes.getTime() > now.getTime() && closes.getTime() > opens.getTime()) return { opens, closes };
  }
  throw new Error('a day without a window');
}

function zoned(timeZone: string, now: Date): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(now.getTime()).toZonedDateTimeISO(timeZone);
}

function at(day: Temporal.PlainDate, time: string, timeZone: string): Date {
  const moment = day.toZonedDateTime({ timeZone, plainTime: Temporal.PlainTime.from(time) });
  return new Date(moment.epochMilliseconds);
}

function fixedZone(minutes: number): string {
  const absolute = Math.abs(minutes);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(absolute / 60))}:${two(absolute % 60)}`;
}
