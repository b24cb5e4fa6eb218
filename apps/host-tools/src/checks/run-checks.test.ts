import { expect, test } from 'vitest';
import { RecordedTerminal } from '../program/testing.ts';
import type { Check, Finding } from './check.ts';
import { hasFailed, runChecks } from './run-checks.ts';
import { reportsAsJson, showReports } from './show-reports.ts';

const same = (text: string) => ({ en: text, ja: `${text}です` });
const check = (id: string, run: Check['run']): Check => ({ id, title: same(id), why: same('because'), run });
const finding = (result: Finding['result']): Finding => ({ result, found: same('found') });

test('checks run at the same time, and their reports keep the order', async () => {
  const gate = Promise.withResolvers<void>();
  const reports = await runChecks([
    check('waits for the second', () => gate.promise.then(() => finding('ok'))),
    check('second', async () => {
      gate.resolve();
      return finding('failed');
    }),
  ]);
  expect(reports.map(({ id, result }) => [id, result])).toEqual([
    ['waits for the second', 'ok'],
    ['second', 'failed'],
  ]);
  expect(hasFailed(reports)).toBe(true);
});

test('a check that hangs or breaks is told as unknown with the reason, and fails nothing', async () => {
  let isAborted = false;
  const reports = await runChecks(
    [
      check('hangs', (signal) => {
        signal.addEventListener('abort', () => {
          isAborted = true;
        });
        return new Promise(() => {});
      }),
      check('breaks', () => Promise.reject(new Error('no such program'))),
      check('throws', () => {
        throw new Error('at once');
      }),
    ],
    { limitMilliseconds: 20 },
  );
  expect(reports.map(({ result, found }) => [result, found.en])).toEqual([
    ['unknown', 'no result within 0.02 s'],
    ['unknown', 'the check could not be carried out: no such program'],
    ['unknown', 'the check could not be carried out: at once'],
  ]);
  expect(isAborted).toBe(true);
  expect(hasFailed(reports)).toBe(false);
});

test('what is well takes one line; everything else says why it matters and what to do', () => {
  const terminal = new RecordedTerminal();
  const base = { title: same('IP forwarding'), why: same('packets pass'), milliseconds: 1 };
  showReports(
    [
      { ...base, id: 'a', result: 'ok', found: same('on') },
      {
        ...base,
        id: 'b',
        result: 'failed',
        found: same('off'),
        remedy: { text: same('switch it on'), commands: ['sysctl -w net.ipv4.ip_forward=1'] },
      },
    ],
    'en',
    terminal,
  );
  expect(terminal.printed).toBe(
    [
      '✓ ok  IP forwarding: on',
      '✗ failed  IP forwarding: off',
      '    Why: packets pass',
      '    To do: switch it on',
      '      sysctl -w net.ipv4.ip_forward=1',
      '\n1 ok, 1 failed\n',
    ].join('\n'),
  );
});

test('programs get the same in one language', () => {
  const json = reportsAsJson(
    [{ id: 'a', title: same('t'), why: same('w'), result: 'ok', found: same('f'), milliseconds: 3 }],
    'ja',
  );
  expect(JSON.parse(json)).toEqual({
    checks: [{ id: 'a', title: 'tです', result: 'ok', found: 'fです', why: 'wです', milliseconds: 3 }],
  });
});
