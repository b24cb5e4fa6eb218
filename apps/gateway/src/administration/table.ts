/** Lines of a table with aligned columns; the first row is the heading. Columns whose heading ends in `>` go to the right. */
export function formatTable(headings: string[], rows: string[][]): string {
  const right = headings.map((heading) => heading.endsWith('>'));
  const all = [
    headings.map((heading) => heading.replace(/>$/, '')),
    ...rows.map((row) => row.map(printable)),
  ];
  const widths = headings.map((_, column) => Math.max(...all.map((row) => displayWidth(row[column] ?? ''))));
  return all
    .map((row) =>
      row
        .map((cell, column) => {
          const space = ' '.repeat((widths[column] ?? 0) - displayWidth(cell));
          return right[column] ? space + cell : cell + space;
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** What a device says of itself must not steer the administrator's terminal. */
function printable(text: string): string {
  return text.replace(/\p{C}/gu, '?');
}

/** Columns on a terminal; East Asian letters take two. */
function displayWidth(text: string): number {
  const wide =
    /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/g;
  return [...text].length + (text.match(wide)?.length ?? 0);
}

const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** `1234567` as `1.2 MB`, with decimal units as network people count. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // 999.95 and more would be shown as 1000.0.
  while (value >= (unit === 0 ? 1000 : 999.95) && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return unit === 0 ? `${value} B` : `${value.toFixed(1)} ${units[unit]}`;
}

/** Seconds as `45 s`, `12 min`, `3 h 20 min`, `2 d 4 h`. */
export function formatDuration(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return hours % 24 === 0 ? `${Math.floor(hours / 24)} d` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}
