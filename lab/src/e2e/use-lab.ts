import { afterAll, afterEach, beforeAll } from 'vitest';
import { Lab, type LabOptions } from '../lab.ts';

/** Lines of the server's output that a failed test shows. */
const shownLines = 60;

/** One lab for all tests of a file; after each test its clients are gone. */
export function useLab(options: LabOptions = {}): () => Lab {
  let lab: Lab | undefined;
  beforeAll(async () => {
    lab = await Lab.start(options);
  });
  afterEach(async ({ task }) => {
    const failed = task.result?.state === 'fail';
    if (failed) {
      const output = lab?.server.output.split('\n').slice(-shownLines).join('\n');
      console.error(`output of the server after "${task.name}":\n${output}`);
    }
    await lab?.dismissClients();
    // A client that was just then without connection could not say goodbye; the next test must not suffer.
    if (failed) await lab?.endSessions();
  });
  afterAll(async () => {
    await lab?.remove();
  });
  return () => {
    if (lab === undefined) throw new Error('the lab did not start');
    return lab;
  };
}
