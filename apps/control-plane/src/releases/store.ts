import type { Kysely } from 'kysely';
import packageDocument from '../../package.json' with { type: 'json' };
import { newId } from '../database/identifier.ts';
import type { Tables } from '../database/tables.ts';
import { readSettings } from '../settings/store.ts';
import { isNewer, newestVersion, versionsBehind } from './versions.ts';

export interface Release {
  readonly version: string;
  /** ISO 8601; may lie ahead. */
  readonly publishedAt: string;
}

/** Every release, in no order. */
export async function readReleases(tables: Kysely<Tables>): Promise<Release[]> {
  const rows = await tables
    .selectFrom('releases')
    .select(['release_version', 'published_date_time'])
    .execute();
  return rows.map((row) => ({
    version: String(row.release_version),
    publishedAt: String(row.published_date_time),
  }));
}

/** Those that are out. */
export function published(releases: readonly Release[], now: Date): Release[] {
  return releases.filter(({ publishedAt }) => publishedAt <= now.toISOString());
}

/** How many releases a version is behind the newest; the answer is undefined while there is none. */
export async function releaseDistance(
  tables: Kysely<Tables>,
  now: Date,
): Promise<(version: string) => number | undefined> {
  const versions = published(await readReleases(tables), now).map(({ version }) => version);
  return (version) => (versions.length === 0 ? undefined : versionsBehind(version, versions));
}

/**
 * Adds the version of this control plane to the releases, unless the settings say otherwise: whoever upgrades the control plane
 * wants its servers to follow. One that an administrator has taken away comes back with the next start.
 */
export async function offerOwnVersion(tables: Kysely<Tables>, now: Date): Promise<void> {
  const { settings } = await readSettings(tables);
  if (!settings.offerOwnVersion) return;
  await tables
    .insertInto('releases')
    .values({
      id: newId(now),
      version: 1,
      release_version: packageDocument.version,
      published_date_time: now.toISOString(),
      notes: 'The version of the control plane.',
    })
    .onConflict((conflict) => conflict.column('release_version').doNothing())
    .execute();
}

/** The newest of these releases. */
export function newestRelease(releases: readonly Release[]): Release | undefined {
  const newest = newestVersion(releases.map(({ version }) => version));
  return releases.find(({ version }) => version === newest);
}

/** True when one of these versions comes before the release. */
export function isBehind(versions: readonly string[], release: Release): boolean {
  return versions.some((version) => isNewer(release.version, version));
}
