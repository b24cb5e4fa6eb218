import { agentMetricNames } from '@culvert/contracts';
import type { HealthReading } from './source.ts';

/** The metrics as a table for people: name, value or a dash, and the reason where there is one. */
export function healthTable({ values, reasons }: HealthReading): string {
  const rows = agentMetricNames.map((name) => [name, String(values[name] ?? '-'), reasons[name] ?? '']);
  const width = (column: 0 | 1) => Math.max(...rows.map((row) => row[column]?.length ?? 0));
  const [first, second] = [width(0), width(1)];
  return rows
    .map(([name = '', value = '', reason = '']) =>
      `${name.padEnd(first)}  ${value.padStart(second)}  ${reason}`.trimEnd(),
    )
    .join('\n');
}
