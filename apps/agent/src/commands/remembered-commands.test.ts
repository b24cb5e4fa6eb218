import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { carryOut, resume } from './carry-out.ts';
import { RememberedCommands } from './remembered-commands.ts';

const now = new Date('2026-11-25T02:00:00Z');
let directory: string;
let damaged: string[];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'commands-'));
  damaged = [];
});
afterEach(() => rm(directory, { recursive: true }));

const file = () => join(directory, 'commands.json');
const command = (number: number) =>
  ({ id: `c${number}`, order: { kind: 'disconnectUser', user: `user${number}` } }) as const;

async function remembered(): Promise<RememberedCommands> {
  const commands = new RememberedCommands(file());
  await commands.load(({ message }) => damaged.push(message));
  return commands;
}

describe('commands', () => {
  test('that begin while others end are all remembered, with every result', async () => {
    const commands = await remembered();
    const numbers = [...Array(20).keys()];
    for (const number of numbers) await commands.begin(command(number), now);
    const results = numbers.map((number) => ({ id: `c${number}`, outcome: 'done' as const }));
    await Promise.all([
      ...results.map((result) => commands.end(result)),
      ...numbers.map((number) => commands.begin(command(100 + number), now)),
      commands.acknowledge([]),
    ]);
    for (const known of [commands, await remembered()]) {
      expect(known.toReport()).toEqual(results);
      expect(known.cutOff().map(({ id }) => id)).toEqual(numbers.map((number) => `c${100 + number}`));
      expect(await known.begin(command(100), now)).toBe(false);
    }
  });

  test('go on being taken when the file is damaged, which is put aside and told of', async () => {
    await writeFile(file(), '[{"id":');
    const commands = await remembered();
    expect(await commands.begin(command(1), now)).toBe(true);
    expect(damaged).toEqual([expect.stringContaining('commands.json is damaged')]);
    expect(await readFile(`${file()}.damaged`, 'utf8')).toBe('[{"id":');
    expect((await remembered()).cutOff()).toHaveLength(1);
    expect(damaged).toHaveLength(1);
  });
});

describe('a command that the agent was ended in', () => {
  const startedAt = (time: number) => ({
    gateway: {
      status: async () => ({
        startedAt: time,
        listenPort: 443,
        engine: { connected: true },
        sessions: { connected: 0, away: 0, capacity: 0 },
      }),
      disconnect: async () => 1,
    },
    restartServer: () => Promise.reject(new Error('not again')),
    renewCertificate: () => Promise.reject(new Error('not again')),
    logs: { collect: async () => {} },
  });
  const cutOff = (order: Parameters<typeof carryOut>[0]) => ({
    id: 'c',
    order,
    begunAt: now.toISOString(),
    isAcknowledged: false,
  });

  test('is done when it was a restart and the server has started since', async () => {
    const entry = cutOff({ kind: 'restartServer' });
    expect((await resume(entry, startedAt(now.getTime() + 1))).outcome).toBe('done');
    expect((await resume(entry, startedAt(now.getTime() - 1))).outcome).toBe('failed');
  });

  test('is carried out when that does no harm twice, and otherwise named as uncertain', async () => {
    const window = { start: now.toISOString(), end: now.toISOString() };
    const collection = cutOff({ kind: 'collectLogs', collection: 'l1', ...window });
    expect((await resume(collection, startedAt(0))).outcome).toBe('done');
    const uncertain = await resume(cutOff({ kind: 'disconnectUser', user: 'alice' }), startedAt(0));
    expect(uncertain).toMatchObject({ outcome: 'failed', detail: expect.stringContaining('send it again') });
  });

  test('has what went wrong as its result', async () => {
    const outcome = await carryOut({ kind: 'restartServer' }, startedAt(0));
    expect(outcome).toEqual({ outcome: 'failed', detail: 'not again' });
  });
});
