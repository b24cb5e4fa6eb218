import { afterAll, afterEach, beforeAll } from 'vitest';
import { Fleet, type FleetOptions } from '../fleet/fleet.ts';

/** Lines of the output of a process that a failed test shows. */
const shownLines = 40;

/** One fleet for all tests of a file; after each test its clients are gone. */
export function useFleet(options: FleetOptions): () => Fleet {
  let fleet: Fleet | undefined;
  beforeAll(async () => {
    fleet = await Fleet.start(options);
  });
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail' && fleet !== undefined) {
      const tail = (text: string) => text.split('\n').slice(-shownLines).join('\n');
      const outputs = [
        `control plane:\n${tail(fleet.controlPlane.output)}`,
        ...fleet.servers.map((server) => `${server.name}:\n${tail(server.output)}`),
      ];
      console.error(`after "${task.name}":\n${outputs.join('\n\n')}`);
    }
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
