import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { isRunning, signalProcess } from './process-identity.ts';
import { ProcessRecords } from './process-records.ts';
import { SupervisedProcess } from './supervised-process.ts';

const backOff = { firstMilliseconds: 20, longestMilliseconds: 80, wellMilliseconds: 60_000 };

let directory: string;
let all: SupervisedProcess[];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'supervised-'));
  all = [];
});
afterEach(async () => {
  for (const process of all) await process.end('SIGKILL', 5_000);
  rmSync(directory, { recursive: true });
});

const recordsFile = () => join(directory, 'monitor-processes.json');

/** The part of a monitor that looks after one process; several of them stand for monitors one after the other. */
function supervise(script: string): SupervisedProcess {
  const supervised = new SupervisedProcess({
    name: 'agent',
    title: 'the agent',
    records: new ProcessRecords(recordsFile()),
    logger: pino({ level: 'silent' }),
    launch: () => ({ version: '1.0.0', command: ['/bin/sh', '-c', script], directory, environment: {} }),
    backOff,
  });
  all.push(supervised);
  return supervised;
}

const status = (supervised: SupervisedProcess) => supervised.status(Date.now());
const record = () => new ProcessRecords(recordsFile()).get('agent');

describe('a supervised process', () => {
  test('is in the records while it runs, and out of them when it was ended', async () => {
    const supervised = supervise('exec sleep 1000');
    supervised.start();
    const { processId } = status(supervised);
    expect(record()).toMatchObject({ processId, version: '1.0.0' });
    await supervised.end('SIGTERM', 5_000);
    expect(status(supervised)).toEqual({ state: 'stopped', endings: 0 });
    expect(record()).toBeUndefined();
  });

  test('runs and is started again although a full disk takes no records', async () => {
    // No draft of the records can be written.
    mkdirSync(`${recordsFile()}.new`);
    const supervised = supervise('exit 3');
    supervised.start();
    await vi.waitFor(() => expect(status(supervised)).toMatchObject({ endings: 2, lastEnding: 'status 3' }));
  });

  test('is started again when it ends by itself, and tells how often and how', async () => {
    const supervised = supervise('exit 3');
    supervised.start();
    await vi.waitFor(() => expect(status(supervised)).toMatchObject({ endings: 3, lastEnding: 'status 3' }));
    await supervised.end('SIGTERM', 5_000);
    expect(status(supervised).state).toBe('stopped');
    expect(supervised.status(Date.now() + 3_600_000).endings).toBe(0);
  });

  test('that does not listen is ended by force', async () => {
    const supervised = supervise('trap "" TERM; echo > ready; while :; do sleep 0.05; done');
    supervised.start();
    await vi.waitFor(() => readFileSync(join(directory, 'ready')));
    await supervised.end('SIGTERM', 100);
    expect(status(supervised).state).toBe('stopped');
  });

  test('is taken over by the next monitor, and not started a second time', async () => {
    const first = supervise('exec sleep 1000');
    first.start();
    const second = supervise('exec sleep 1000');
    second.adopt();
    second.start();
    expect(status(second).processId).toBe(status(first).processId);
    expect(second.version).toBe('1.0.0');
    await second.end('SIGTERM', 5_000);
    expect(record()).toBeUndefined();
  });

  test('that was taken over is started again when it ends', async () => {
    const first = supervise('exec sleep 1000');
    first.start();
    const { processId } = status(first);
    const second = supervise('exec sleep 1000');
    second.adopt();
    await first.end('SIGKILL', 5_000);
    await vi.waitFor(() => {
      expect(status(second).state).toBe('running');
      expect(status(second).processId).not.toBe(processId);
    }, 5_000);
  });

  test('is not mistaken for another one that got its id', async () => {
    const first = supervise('exec sleep 1000');
    first.start();
    const found = record();
    if (found === undefined) throw new Error('there is no record');
    const records = new ProcessRecords(recordsFile());
    records.set('agent', { ...found, startTime: '1' });
    const second = supervise('exec sleep 1000');
    second.adopt();
    expect(status(second).state).toBe('stopped');
    await second.end('SIGKILL', 100);
    expect(isRunning(found)).toBe(true);
    signalProcess(found, 'SIGKILL');
  });

  test('that cannot be started is tried again', async () => {
    const supervised = new SupervisedProcess({
      name: 'agent',
      title: 'the agent',
      records: new ProcessRecords(recordsFile()),
      logger: pino({ level: 'silent' }),
      launch: () => ({ version: '1.0.0', command: ['true'], directory: '/nonexistent', environment: {} }),
      backOff,
    });
    all.push(supervised);
    supervised.start();
    expect(status(supervised)).toMatchObject({ state: 'waiting', endings: 1 });
    await vi.waitFor(() => expect(status(supervised).endings).toBeGreaterThan(1));
  });
});

test('a list of processes that no monitor has written is refused', () => {
  new ProcessRecords(recordsFile()).set('agent', {
    processId: 1,
    startTime: '1',
    bootId: 'b',
    version: '1.0.0',
  });
  expect(record()?.processId).toBe(1);
  expect(() => new ProcessRecords('/etc/hostname')).toThrow();
});
