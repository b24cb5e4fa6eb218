import semver from 'semver';

/**
 * Order of two versions, for `sort`: negative when the first is older (Semantic Versioning 2.0.0, §11). What is no version by
 * those rules, such as 1.02.0, is older than every one that is.
 */
export function compareVersions(one: string, other: string): number {
  const [first, second] = [semver.parse(one), semver.parse(other)];
  if (first !== null && second !== null) return first.compare(second);
  if (first !== null) return 1;
  if (second !== null) return -1;
  return one < other ? -1 : Number(one > other);
}

/** True when the first version comes after the second. */
export function isNewer(one: string, other: string): boolean {
  return compareVersions(one, other) > 0;
}

/** The newest of these versions; undefined when there are none. */
export function newestVersion(versions: readonly string[]): string | undefined {
  return versions.toSorted(compareVersions).at(-1);
}

/** True for what Semantic Versioning allows. */
export function isVersion(text: string): boolean {
  return semver.valid(text) === text;
}

/** How many of the releases are newer than this version: 0 is the newest, 1 is one behind. */
export function versionsBehind(version: string, releases: readonly string[]): number {
  return new Set(releases.filter((release) => isNewer(release, version))).size;
}
