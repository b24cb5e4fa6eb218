import type { ControlPlaneConfiguration } from '../../configuration/control-plane-configuration.ts';
import { loadConfiguration } from '../../configuration/load.ts';
import { type Database, openDatabase } from '../../database/open.ts';
import { waitForDatabase } from '../../database/wait.ts';
import type { Output } from '../output.ts';

/** Milliseconds that a command waits for its database: somebody looks on. */
const patience = 5_000;

/** Lets a command work with the database of a configuration file; whether a control plane runs on it does not matter. */
export async function withDatabase<Result>(
  file: string,
  output: Output,
  work: (database: Database, configuration: ControlPlaneConfiguration) => Promise<Result>,
): Promise<Result> {
  const configuration = await loadConfiguration(file);
  const database = openDatabase(configuration.database, { isPatient: true });
  try {
    await waitForDatabase(database, { patience, onWait: (message) => output.complain(message) });
    return await work(database, configuration);
  } finally {
    await database.close();
  }
}
