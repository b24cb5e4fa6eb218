import { expect, test } from 'vitest';
import { Watch } from './watch.ts';

const never = new AbortController().signal;

function watchOf(cursors: Map<string, string>) {
  let looks = 0;
  const watch = new Watch(
    async () => {
      looks += 1;
      return cursors;
    },
    () => {},
    1,
  );
  return { watch, looks: () => looks };
}

test('one look serves everybody who waits', async () => {
  const names = Array.from({ length: 1_000 }, (_, index) => `agent-${index}`);
  const cursors = new Map(names.map((name) => [name, 'after']));
  const { watch, looks } = watchOf(cursors);
  const woken = await Promise.all(names.map((name) => watch.wait(name, 'before', never)));
  expect(new Set(woken)).toEqual(new Set(['changed']));
  expect(looks()).toBe(1);
});

test('whoever has the present state is held until the signal aborts, and nothing is asked after that', async () => {
  const { watch, looks } = watchOf(new Map([['a', 'same']]));
  const end = new AbortController();
  const held = watch.wait('a', 'same', end.signal);
  await watch.wait('b', 'x', never);
  end.abort();
  expect(await held).toBe('unchanged');
  const count = looks();
  await new Promise((resolve) => setImmediate(resolve));
  expect(looks() - count).toBeLessThanOrEqual(1);
});

test('an agent that is not let in any more hears it', async () => {
  expect(await watchOf(new Map()).watch.wait('a', 'x', never)).toBe('gone');
});

test('a look that fails is told, and the next one answers', async () => {
  const complaints: unknown[] = [];
  let looks = 0;
  const watch = new Watch(
    async () => {
      looks += 1;
      if (looks === 1) throw new Error('the database is away');
      return new Map([['a', 'after']]);
    },
    (error) => complaints.push(error),
    1,
  );
  expect(await watch.wait('a', 'before', never)).toBe('changed');
  expect(complaints).toEqual([new Error('the database is away')]);
});

test('what was seen before somebody came does not count for them', async () => {
  const answers = [
    Promise.withResolvers<Map<string, string>>(),
    Promise.withResolvers<Map<string, string>>(),
  ];
  let looks = 0;
  const begun = Promise.withResolvers<void>();
  const watch = new Watch(
    () => {
      begun.resolve();
      return answers[looks++]?.promise ?? Promise.reject(new Error('too many looks'));
    },
    () => {},
    1,
  );
  const first = watch.wait('first', 'old', never);
  await begun.promise;
  const late = watch.wait('late', 'fresh', never);
  answers[0]?.resolve(
    new Map([
      ['first', 'other'],
      ['late', 'stale'],
    ]),
  );
  expect(await first).toBe('changed');
  answers[1]?.resolve(new Map([['late', 'later']]));
  expect(await late).toBe('changed');
  expect(looks).toBe(2);
});

test('at its end everybody is answered, and whoever comes later at once', async () => {
  const { watch } = watchOf(new Map([['a', 'x']]));
  const held = watch.wait('a', 'x', never);
  watch.end();
  expect([await held, await watch.wait('a', 'x', never)]).toEqual(['unchanged', 'unchanged']);
});
