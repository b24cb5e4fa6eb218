import pino from 'pino';
import { expect, test } from 'vitest';
import { describeOnEachEngine } from '../testing/databases.ts';
import { Presence, runningReplicas } from './presence.ts';
import { type PeriodicTask, PeriodicWork } from './runner.ts';

const hour = 3_600_000;

/** A logger that keeps what it was told. */
function keptLogger() {
  const lines: string[] = [];
  return { logger: pino({}, { write: (line) => lines.push(line) }), lines };
}

describeOnEachEngine('periodic work', (database) => {
  const runner = (holder: string, ...tasks: PeriodicTask[]) =>
    new PeriodicWork(database(), tasks, { holder, logger: pino({ level: 'silent' }) });

  test('that is due is done by one of several replicas, once in its interval', async () => {
    let times = 0;
    const task = { name: 'once', interval: hour, run: async () => ++times < 0 };
    const replicas = ['a', 'b', 'c'].map((holder) => runner(holder, task));
    for (let round = 0; round < 3; round += 1) {
      await Promise.all(replicas.map((replica) => replica.runDue()));
    }
    expect(times).toBe(1);
  });

  test('goes on at once while there is more to do', async () => {
    let left = 5;
    await runner('a', { name: 'more', interval: hour, run: async () => --left > 0 }).runDue();
    expect(left).toBe(0);
  });

  test('that fails is logged, rests for a while and does not keep the others from running', async () => {
    const { logger, lines } = keptLogger();
    let attempts = 0;
    let others = 0;
    const failing = {
      name: 'failing',
      interval: hour,
      run: async () => {
        attempts += 1;
        throw new Error('it broke');
      },
    };
    const other = { name: 'other', interval: hour, run: async () => ++others < 0 };
    const work = new PeriodicWork(database(), [failing, other], { holder: 'a', logger });
    await work.runDue();
    await work.runDue();
    expect([attempts, others]).toEqual([1, 1]);
    expect(
      lines.filter((line) => line.includes('it broke') && line.includes('"task":"failing"')),
    ).toHaveLength(1);
  });

  test('is told to stop when another replica took its lease over', async () => {
    let wasStopped = false;
    const run = (signal: AbortSignal) =>
      new Promise<boolean>((resolve) => {
        signal.addEventListener('abort', () => {
          wasStopped = true;
          resolve(true);
        });
        database()
          .tables.updateTable('leases')
          .set({ holder: 'thief' })
          .where('name', '=', 'work/stolen')
          .execute()
          .catch(() => resolve(false));
      });
    const task = { name: 'stolen', interval: hour, run };
    await new PeriodicWork(database(), [task], {
      holder: 'a',
      logger: pino({ level: 'silent' }),
      lease: 300,
    }).runDue();
    expect(wasStopped).toBe(true);
  });

  test('stops when it is told to, gives its lease back, and another replica goes on', async () => {
    let isRunning = () => {};
    const running = new Promise<void>((resolve) => {
      isRunning = resolve;
    });
    const task = {
      name: 'long',
      interval: hour,
      run: async (signal: AbortSignal) => {
        isRunning();
        return new Promise<boolean>((resolve) => signal.addEventListener('abort', () => resolve(true)));
      },
    };
    const options = { holder: 'a', logger: pino({ level: 'silent' }), pause: 1 };
    const work = new PeriodicWork(database(), [task], options);
    work.start();
    await running;
    await work.stop();
    let times = 0;
    await runner('b', { ...task, run: async () => ++times < 0 }).runDue();
    expect(times).toBe(1);
  });

  test('a process shows that it runs until it ends', async () => {
    const logger = pino({ level: 'silent' });
    const presences = ['x', 'y'].map((id) => new Presence(database(), id, logger));
    for (const presence of presences) await presence.begin();
    expect(await runningReplicas(database())).toBe(2);
    await presences[0]?.end();
    expect(await runningReplicas(database())).toBe(1);
    await presences[1]?.end();
    expect(await runningReplicas(database())).toBe(0);
  });
});
