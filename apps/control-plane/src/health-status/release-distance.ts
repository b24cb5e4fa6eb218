/** How many releases a version is behind the newest; undefined while no release is known, or for what is no version. */
export type ReleaseDistance = (version: string) => number | undefined;

/** While no release is known. */
export const noReleases: ReleaseDistance = () => undefined;
