import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { KeptSamples, mostKept } from './kept-samples.ts';

let directory: string;
let told: string[];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'samples-'));
  told = [];
});
afterEach(() => rm(directory, { recursive: true }));

const file = () => join(directory, 'samples.jsonl');
const sample = (minute: number) => ({
  at: new Date(Date.UTC(2026, 10, 25) + minute * 60_000).toISOString(),
  values: { cpuCores: 2 },
});
const lines = async () => (await readFile(file(), 'utf8')).trim().split('\n');

async function kept(): Promise<KeptSamples> {
  const samples = new KeptSamples(file(), {
    error: (_fields: object, text: string) => told.push(text),
  } as never);
  await samples.load();
  return samples;
}

describe('samples that the control plane does not have yet', () => {
  test('are those of the last day, in memory and on disk', async () => {
    await writeFile(
      file(),
      Array.from({ length: mostKept }, (_, minute) => `${JSON.stringify(sample(minute))}\n`).join(''),
    );
    const samples = await kept();
    for (let minute = mostKept; minute < 2 * mostKept + 10; minute += 1) await samples.add(sample(minute));
    expect([samples.count, samples.oldest()[0]]).toEqual([mostKept, sample(mostKept + 10)]);
    const again = await kept();
    expect([again.count, again.oldest()[0]]).toEqual([mostKept, sample(mostKept + 10)]);
    expect(await lines()).toHaveLength(mostKept);
  });

  test('survive a line that was cut off', async () => {
    await writeFile(file(), `${JSON.stringify(sample(1))}\n{"at":"2026-11`);
    const samples = await kept();
    await samples.add(sample(2));
    expect((await kept()).oldest()).toEqual([sample(1), sample(2)]);
  });

  test('are all on disk when some are added while others are acknowledged', async () => {
    const samples = await kept();
    for (let minute = 0; minute < 10; minute += 1) await samples.add(sample(minute));
    await Promise.all([
      samples.acknowledge(samples.oldest().slice(0, 5)),
      samples.add(sample(10)),
      samples.add(sample(11)),
    ]);
    expect((await kept()).oldest()).toEqual([5, 6, 7, 8, 9, 10, 11].map(sample));
  });

  test('are told to the control plane from memory while the disk takes none, and kept again afterwards', async () => {
    // As with a full disk, no draft can be written.
    await mkdir(join(`${file()}.part`, 'in-the-way'), { recursive: true });
    const samples = await kept();
    await samples.add(sample(1));
    await samples.acknowledge([]);
    expect([samples.oldest(), told]).toEqual([[sample(1)], ['samples of health do not outlast a restart']]);
    await rm(`${file()}.part`, { recursive: true });
    await samples.add(sample(2));
    expect((await kept()).oldest()).toEqual([sample(1), sample(2)]);
  });
});
