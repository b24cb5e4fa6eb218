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

/** The text without what steers a terminal: devices and containers say what they like of themselves. */
export function printable(text: string): string {
  return text.replace(/\p{C}/gu, '?');
}

/** Columns on a terminal; East Asian letters take two. */
export function displayWidth(text: string): number {
  const wide =
    /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/g;
  return [...text].length + (text.match(wide)?.length ?? 0);
}
