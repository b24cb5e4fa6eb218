import type { KoaContextWithOIDC } from 'oidc-provider';
import { sessionLifetime } from './lifetimes.ts';

export const sessionCookie = '__Host-culvert-session';
export const cookieOptions = { httpOnly: true, sameSite: 'lax', secure: true } as const;

/**
 * Saves the session of a browser that came without one. The library does so before it shows a form because of an error, so
 * that without this the form would be of a session that nobody has.
 */
export async function saveNewSession({ oidc }: KoaContextWithOIDC): Promise<void> {
  const { session, cookies } = oidc;
  if (session === undefined || typeof session.exp === 'number') return;
  cookies.set(sessionCookie, session.jti, cookieOptions);
  await session.save(sessionLifetime(session.loginTs, Math.floor(Date.now() / 1000)));
}
