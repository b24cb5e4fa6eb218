import { expect, test } from 'vitest';
import { emptyDatabase } from '../testing/databases.ts';
import { ControlPlaneProcess } from '../testing/process.ts';
import { differences, writeAndKill } from './writers.ts';

const kills = 200;
/** A kill and the next start take 0.6 seconds on a machine that does nothing else. */
const secondsForAll = 1200;

// Both at once, because a start keeps one core busy and waits for the disk in between.
test.concurrent.each(['sqlite', 'postgresql'] as const)(
  `${kills} times kill -9 in the midst of writing loses nothing that was acknowledged (%s)`,
  { timeout: secondsForAll * 1000 },
  async (engine) => {
    const place = await emptyDatabase(engine);
    const controlPlane = await ControlPlaneProcess.prepare(place.url);
    try {
      await controlPlane.start();
      await controlPlane.useToken();
      // An orderly end leaves compiled code behind, with which the starts to come cost half.
      expect(await controlPlane.end('SIGTERM')).toBe(0);
      await controlPlane.start();
      for (let kill = 0; kill < kills; kill += 1) {
        // From the first change to the midst of many.
        const load = { writers: 1 + (kill % 8), changes: 1 + ((kill * 7) % 30), moment: kill % 5 };
        const written = await writeAndKill(controlPlane, `r${kill}`, load);
        await controlPlane.start();
        expect(await differences(controlPlane, `r${kill}`, written)).toEqual([]);
      }
      expect(await controlPlane.end('SIGTERM')).toBe(0);
    } finally {
      await controlPlane.remove();
      await place.remove();
    }
  },
);
