import { expect, test } from 'vitest';
import { parseStat } from './process-tree.ts';
import { isLeftover, runPrefix } from './run.ts';

test('what this run made is no leftover', () => {
  expect(isLeftover(`${runPrefix}-1-gateway`)).toBe(false);
});

test('what a dead process made is a leftover, also when its id was given to another process', () => {
  expect(isLeftover('culvert-lab-4194305-17-1-gateway')).toBe(true);
  expect(isLeftover(`culvert-lab-${process.pid}-1-1-gateway`)).toBe(true);
});

test('what others made is never a leftover', () => {
  for (const name of ['lab-gateway', 'culvert-lab', 'culvert-labour-1-2', 'other-culvert-lab-1-2-gateway']) {
    expect(isLeftover(name)).toBe(false);
  }
});

test('the CPU time of a process holds that of its finished children, whatever its name looks like', () => {
  const fields = Array.from({ length: 52 }, (_, index) => String(index + 1));
  fields[0] = '321';
  fields[1] = '(a (strange) name)';
  fields[2] = 'S';
  expect(parseStat(fields.join(' '))).toEqual({ pid: 321, parent: 4, ticks: 14 + 15 + 16 + 17 });
});
