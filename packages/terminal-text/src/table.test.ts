import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatTable } from './table.ts';

test('the columns of a table are aligned, whatever stands in them', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.string(), fc.string())), (rows) => {
      expect(formatTable(['A', 'B>'], rows).split('\n')).toHaveLength(rows.length + 1);
    }),
  );
  expect(
    formatTable(
      ['NAME', 'N>'],
      [
        ['山田', '1'],
        ['bob', '22'],
      ],
    ),
  ).toBe('NAME   N\n山田   1\nbob   22');
});
