import { afterAll, expect, test } from 'vitest';
import type { DatabaseEngine } from '../database/open.ts';
import { emptyDatabase } from '../testing/databases.ts';
import { ControlPlaneProcess } from '../testing/process.ts';
import { differences, writeAndKill } from './writers.ts';

/** What the issue asks for. */
const kills = 200;
const secondsForAll = 900;

/** Kills a control plane in the midst of writing, again and again on the same data. */
export function testKills(engine: DatabaseEngine): void {
  let place: Awaited<ReturnType<typeof emptyDatabase>> | undefined;
  let controlPlane: ControlPlaneProcess | undefined;
  afterAll(async () => {
    await controlPlane?.remove();
    await place?.remove();
  });
  test(`${kills} times kill -9 in the midst of writing loses nothing that was acknowledged (${engine})`, {
    timeout: secondsForAll * 1000,
  }, async () => {
    place = await emptyDatabase(engine);
    controlPlane = await ControlPlaneProcess.prepare(place.url);
    await controlPlane.start();
    await controlPlane.useToken();
    for (let kill = 0; kill < kills; kill += 1) {
      // From the first change to the midst of many.
      const load = { writers: 1 + (kill % 8), changes: 1 + ((kill * 7) % 30), moment: kill % 5 };
      const written = await writeAndKill(controlPlane, `r${kill}`, load);
      await controlPlane.start();
      expect(await differences(controlPlane, `r${kill}`, written)).toEqual([]);
    }
    expect(await controlPlane.end('SIGTERM')).toBe(0);
  });
}
