import { afterAll, afterEach, beforeAll } from 'vitest';
import { Fleet, type FleetOptions } from '../fleet/fleet.ts';

/** One fleet for all tests of a file; after each test its clients are gone. */
export function useFleet(options: FleetOptions): () => Fleet {
  let fleet: Fleet | undefined;
  beforeAll(async () => {
    fleet = await Fleet.start(options);
  });
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') console.error(`after "${task.name}":\n${fleet?.outputs()}`);
    await fleet?.dismissClients();
  });
  afterAll(async () => {
    await fleet?.remove();
  });
  return () => {
    if (fleet === undefined) throw new Error('the fleet did not start');
    return fleet;
  };
}
