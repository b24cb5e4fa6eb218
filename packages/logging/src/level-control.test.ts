import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { LevelControl, levelAt } from './level-control.ts';
import { type LogLevel, logLevels } from './log-line.ts';

const start = Date.parse('2026-11-25T00:00:00.000Z');
const at = (minutes: number) => new Date(start + minutes * 60_000).toISOString();

function newControl(
  level = 'info',
  file = join(mkdtempSync(join(tmpdir(), 'culvert-level-')), 'level.json'),
) {
  const logger = pino({ level }, { write: () => {} });
  const clock = { now: start };
  const control = new LevelControl(logger, file, () => clock.now);
  return { logger, clock, file, control };
}

test('a level is in force until its end, and then the usual one', () => {
  const level = fc.constantFrom(...(Object.keys(logLevels) as LogLevel[]));
  fc.assert(
    fc.property(level, level, fc.integer({ min: -1000, max: 1000 }), (usual, other, left) => {
      const temporary = { level: other, until: new Date(start + left).toISOString() };
      const state = levelAt(usual, temporary, start);
      expect(state).toEqual(
        left > 0 ? { level: other, until: temporary.until, usual } : { level: usual, usual },
      );
    }),
  );
});

test('a level for a time can be made longer and stopped early, and the one of before comes back', () => {
  const { logger, control } = newControl('warn');
  expect(control.change({ level: 'debug', until: at(10) })).toEqual({
    level: 'debug',
    until: at(10),
    usual: 'warn',
  });
  expect(control.change({ level: 'trace', until: at(90) })).toEqual({
    level: 'trace',
    until: at(90),
    usual: 'warn',
  });
  expect(logger.level).toBe('trace');
  expect(control.end()).toEqual({ level: 'warn', usual: 'warn' });
  expect(logger.level).toBe('warn');
  control.close();
});

test('a process that was started again goes on with the level, and comes back from it', () => {
  const { control, file } = newControl('info');
  control.change({ level: 'debug', until: at(10) });
  control.close();
  const again = newControl('error', file);
  expect([again.logger.level, again.control.state]).toEqual([
    'debug',
    { level: 'debug', until: at(10), usual: 'error' },
  ]);
  again.control.close();
  const logger = pino({ level: 'error' }, { write: () => {} });
  const late = new LevelControl(logger, file, () => start + 11 * 60_000);
  expect([logger.level, late.state]).toEqual(['error', { level: 'error', usual: 'error' }]);
  expect(() => readFileSync(file)).toThrow('ENOENT');
});

test('the usual level comes back by itself', async () => {
  const told = Promise.withResolvers<string>();
  const logger = pino(
    { level: 'info' },
    { write: (line) => (line.includes('"until"') ? undefined : told.resolve(line)) },
  );
  const file = join(mkdtempSync(join(tmpdir(), 'culvert-level-')), 'level.json');
  const control = new LevelControl(logger, file);
  control.change({ level: 'debug', until: new Date(Date.now() + 50).toISOString() });
  expect(logger.level).toBe('debug');
  expect(await told.promise).toContain('the log level has changed');
  expect([logger.level, control.state]).toEqual(['info', { level: 'info', usual: 'info' }]);
});

test('a change without an end is the usual level from then on', () => {
  const { control } = newControl('info');
  control.change({ level: 'debug', until: at(10) });
  expect(control.change({ level: 'warn' })).toEqual({ level: 'warn', usual: 'warn' });
  control.close();
});

test.each([
  '',
  '{',
  '{"level":"loud","until":"2026-11-25T00:00:00Z"}',
  '[]',
  '{"level":"debug","until":"soon"}',
])('a file with %j is no reason to fail', (text) => {
  const file = join(mkdtempSync(join(tmpdir(), 'culvert-level-')), 'level.json');
  writeFileSync(file, text);
  expect(newControl('info', file).control.state).toEqual({ level: 'info', usual: 'info' });
});
