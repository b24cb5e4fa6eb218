/** Seconds for which things of the provider are good. */
export const lifetimes = {
  /** A browser's session and everything of the admin centre, from the sign-in on, however much it is used. */
  session: 12 * 3600,
  /** What a browser without a sign-in is remembered for, such as the form for a device's code. */
  anonymousSession: 3600,
  /** From the first page of a sign-in to its last. */
  interaction: 15 * 60,
  authorizationCode: 60,
  /** RFC 8628 §3.2: `expires_in`. */
  deviceCode: 10 * 60,
  idToken: 3600,
  adminCentreToken: 15 * 60,
  toolsToken: 3600,
} as const;

/** Seconds of a session that are left, at least one: the library takes no less. */
export function sessionLifetime(signedInAt: number | undefined, now: number): number {
  if (signedInAt === undefined) return lifetimes.anonymousSession;
  return Math.max(1, signedInAt + lifetimes.session - now);
}

/** A grant for a tool lasts until the token that it is made for has ended. */
export const toolsGrant = lifetimes.deviceCode + lifetimes.toolsToken;
