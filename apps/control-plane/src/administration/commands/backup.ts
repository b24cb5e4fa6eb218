import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { BackupFailure } from '../../backup/failure.ts';
import { restoreBackup } from '../../backup/restore.ts';
import { writeBackup } from '../../backup/write.ts';
import type { ControlPlaneConfiguration } from '../../configuration/control-plane-configuration.ts';
import { loadConfiguration } from '../../configuration/load.ts';
import { SecretBox } from '../../secrets/secret-box.ts';
import { presentSecretsKey } from '../../secrets/secrets-key.ts';
import { type Output, progressTo } from '../output.ts';
import { withDatabase } from './open.ts';

const rowsOf = (tables: readonly { rows: number }[]) => tables.reduce((sum, { rows }) => sum + rows, 0);

/** `backup`: writes everything into one file while the control plane runs. */
export async function backup(file: string, config: string, output: Output): Promise<void> {
  const { database: url } = await loadConfiguration(config);
  // Opening would make an empty one.
  if (url.startsWith('sqlite:') && !existsSync(url.slice(7))) {
    throw new BackupFailure(`${url.slice(7)} does not exist: there is nothing to back up`);
  }
  await withDatabase(config, output, async (database, configuration) => {
    const target = resolve(file);
    const secretsKeyId = await keyIdOf(configuration);
    const onProgress = progressTo(output, 'backup');
    const header = await writeBackup(database, target, { secretsKeyId, now: new Date(), onProgress });
    const { size } = await stat(target);
    output.print(`${rowsOf(header.tables)} rows are in ${target} (${size} bytes).`);
    output.print(
      `The secrets in it open with the key ${secretsKeyId} only, which is not in it: keep ${placesOf(configuration)} too, in another place.`,
    );
  });
}

/** `restore`: replaces everything by a backup while no control plane runs. */
export async function restore(
  file: string,
  { config, yes }: { config: string; yes?: boolean },
  output: Output,
): Promise<void> {
  await withDatabase(config, output, async (database, configuration) => {
    const header = await restoreBackup(database, resolve(file), {
      secretsKeyId: await keyIdOf(configuration),
      secretsKeyPlaces: placesOf(configuration),
      replace: yes === true,
      now: new Date(),
      onProgress: progressTo(output, 'restore'),
    });
    output.print(`The database has the ${rowsOf(header.tables)} rows of the backup of ${header.createdAt}.`);
    output.print(
      'Everybody has to sign in again. Accounts, passwords, API tokens and recovery codes are as they were at the backup: disable, change or revoke again what has ended since.',
    );
  });
}

async function keyIdOf(configuration: ControlPlaneConfiguration): Promise<string> {
  const key = await presentSecretsKey(configuration, process.env);
  if (key !== undefined) return new SecretBox(key).keyId;
  throw new BackupFailure(
    `the secrets key of the control plane is not in ${placesOf(configuration)}: bring it there, or give this command the same CULVERT_SECRETS_KEY or credential as the service`,
  );
}

/** Where the key comes from, in the order of `loadSecretsKey`. */
function placesOf({ secretsKeyFile, stateDirectory }: ControlPlaneConfiguration): string {
  if (secretsKeyFile !== undefined) return secretsKeyFile;
  if (process.env.CULVERT_SECRETS_KEY !== undefined) return 'the environment variable CULVERT_SECRETS_KEY';
  if (process.env.CREDENTIALS_DIRECTORY !== undefined) return 'the systemd credential culvert-secrets-key';
  return resolve(stateDirectory, 'secrets.key');
}
