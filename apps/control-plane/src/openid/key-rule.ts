const day = 86_400_000;

export const keyTimes = {
  /** A key signs for this long. */
  signs: 90 * day,
  /** A key is published this long before it signs, so that whoever keeps a copy of the key set has seen it. */
  ahead: day,
  /** A key stays published this long after the next one signs: longer than any session whose ID token comes back at sign-out. */
  stays: day,
} as const;

/** When a key was published, and from when on it signs. */
export interface SigningKey {
  sequence: number;
  publishedAt: number;
  signsFrom: number;
}

export interface KeyPlan {
  /** Sequence numbers of the keys to publish, the one that signs first. Empty only when there are no keys. */
  published: readonly number[];
  /** A key that is to be made now. */
  due: SigningKey | undefined;
  /** Keys that nothing needs any more. */
  stale: readonly number[];
}

/** What to do with the signing keys at a moment. */
export function planKeys(keys: readonly SigningKey[], now: number): KeyPlan {
  const sorted = [...keys].sort((one, other) => one.sequence - other.sequence);
  const newest = sorted.at(-1);
  if (newest === undefined) {
    return { published: [], stale: [], due: { sequence: 1, publishedAt: now, signsFrom: now } };
  }
  // A clock that went back finds no key that signs yet; then the oldest does.
  const signing = sorted.findLast(({ signsFrom }) => signsFrom <= now) ?? sorted[0] ?? newest;
  const stale = sorted
    .filter((_, index) => (sorted[index + 1]?.signsFrom ?? Number.POSITIVE_INFINITY) + keyTimes.stays <= now)
    .map(({ sequence }) => sequence);
  const others = sorted.filter(({ sequence }) => sequence !== signing.sequence && !stale.includes(sequence));
  return {
    published: [signing.sequence, ...others.map(({ sequence }) => sequence)],
    stale,
    due: nextKey(newest, now),
  };
}

function nextKey({ sequence, signsFrom }: SigningKey, now: number): SigningKey | undefined {
  const planned = signsFrom + keyTimes.signs;
  if (now < planned - keyTimes.ahead) return undefined;
  return { sequence: sequence + 1, publishedAt: now, signsFrom: Math.max(planned, now + keyTimes.ahead) };
}
