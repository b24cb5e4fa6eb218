import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { healthMetricNames } from '@culvert/contracts';
import { expect, test } from 'vitest';
import type { Bands, Bound } from './bands.ts';
import { healthyShareOfCapacity, metricRules } from './metric-rules.ts';

const documents = join(import.meta.dirname, '../../../../docs');

/** The limits of a metric in signs, which are the same in every language. */
function signs({ better, healthy, warning }: Bands): { healthy: string; unhealthy: string } {
  const [towards, beyond] = better === 'low' ? ['<', '>'] : ['>', '<'];
  const inside = ({ value, isIncluded }: Bound) => `${towards}${isIncluded ? '=' : ''} ${value}`;
  const outside = ({ value, isIncluded }: Bound) => `${beyond}${isIncluded ? '' : '='} ${value}`;
  const pretty = (text: string) => text.replace('<=', '≤').replace('>=', '≥');
  return { healthy: pretty(inside(healthy)), unhealthy: pretty(outside(warning ?? healthy)) };
}

/** The row of a metric as both languages have it. */
function row(name: (typeof healthMetricNames)[number], language: 'en' | 'ja'): string[] {
  const { title, bands, names, warns } = metricRules[name];
  const cells = [`\`${name}\``, title[language]];
  if (bands === undefined) return [...cells, '–', '–', '–'];
  const percent = `${healthyShareOfCapacity * 100} %`;
  const share = { healthy: `≤ ${percent}`, unhealthy: `> ${percent}` };
  const limits = name === 'currentConnections' ? share : signs(bands);
  const named = names?.length === 2 ? { healthy: '1', unhealthy: '0' } : { healthy: '0', unhealthy: '2' };
  const { healthy, unhealthy } = names === undefined ? limits : named;
  return [...cells, healthy, unhealthy, warns ? '✓' : '–'];
}

test.each(['en', 'ja'] as const)(
  'the table of metrics in the documentation (%s) is that of the rules',
  (language) => {
    const page = readFileSync(join(documents, language, 'health.md'), 'utf8');
    const table = page
      .split('\n')
      .filter((line) => /^\| `/.test(line))
      .map((line) =>
        line
          .split('|')
          .slice(1, -1)
          .map((cell) => cell.trim()),
      )
      .filter(([name = '']) => healthMetricNames.some((one) => name === `\`${one}\``));
    // The table of how each is measured names them all as well, and has no limits.
    const rows = table.filter((cells) => cells.length > 2);
    expect(rows).toEqual(healthMetricNames.map((name) => row(name, language)));
    expect(table.filter((cells) => cells.length === 2).map(([name]) => name)).toEqual(
      healthMetricNames.map((name) => `\`${name}\``),
    );
  },
);
