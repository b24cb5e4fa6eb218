import type { UpstreamUser } from '../accounts/upstream.ts';
import type { IdentityProvider } from './provider.ts';
import type { UpstreamRefusal } from './refusal.ts';

export type Claims = Readonly<Record<string, unknown>>;

/** Names of roles and groups that are longer belong to no role assignment. */
const longestGroup = 254;
const mostGroups = 1_000;
const longestName = 256;

/**
 * The claim of this name: `groups`, a namespaced one such as `https://example.com/groups`, or a path such as
 * `realm_access.roles`. A name with dots that is there as it stands comes before a path.
 */
export function claimAt(claims: Claims, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name];
  const parts = name.split('.');
  for (let length = parts.length - 1; length > 0; length -= 1) {
    const head = parts.slice(0, length).join('.');
    if (!Object.hasOwn(claims, head)) continue;
    const inner = claims[head];
    return isObject(inner) ? claimAt(inner, parts.slice(length).join('.')) : undefined;
  }
  return undefined;
}

/** True when the claims that decide are not all there, so that asking the provider for more may help. */
export function isIncomplete(
  claims: Claims,
  { userNameClaim, groupsClaim }: Pick<IdentityProvider, 'userNameClaim' | 'groupsClaim'>,
): boolean {
  return claimAt(claims, userNameClaim) === undefined || claimAt(claims, groupsClaim) === undefined;
}

/** Who the claims describe, or why they do not let in. */
export function userOfClaims(
  claims: Claims,
  provider: Pick<IdentityProvider, 'id' | 'userNameClaim' | 'groupsClaim' | 'allowedGroups'>,
): { ok: true; user: UpstreamUser } | { ok: false; refusal: UpstreamRefusal } {
  const { id, userNameClaim, groupsClaim, allowedGroups } = provider;
  const subject = textOf(claims.sub, longestName);
  const userName = textOf(claimAt(claims, userNameClaim), longestName);
  const missing = subject === undefined ? 'sub' : userName === undefined ? userNameClaim : undefined;
  if (subject === undefined || userName === undefined) {
    const message = `the provider did not send the claim "${missing}" as a text; let it send it, or name another claim`;
    return { ok: false, refusal: { kind: 'claimMissing', message } };
  }
  const groups = groupsOf(claims, groupsClaim);
  if (!groups.ok) return groups;
  if (allowedGroups.length > 0 && !groups.value.some((group) => allowedGroups.includes(group))) {
    const message = `${userName} is in none of the groups that may sign in; the provider named ${groups.value.length} groups in the claim "${groupsClaim}"`;
    return { ok: false, refusal: { kind: 'notInGroup', message } };
  }
  const displayName = textOf(claims.name, longestName) ?? userName;
  return { ok: true, user: { providerId: id, subject, userName, displayName, groups: groups.value } };
}

function groupsOf(
  claims: Claims,
  name: string,
): { ok: true; value: string[] } | { ok: false; refusal: UpstreamRefusal } {
  const value = claimAt(claims, name);
  if (value === undefined && isOverage(claims, name)) {
    const message =
      'you are in more groups than the provider sends; let it send only the groups that are assigned to this application (Entra: Token configuration, groups assigned to the application)';
    return { ok: false, refusal: { kind: 'groupsMissing', message } };
  }
  // AD FS sends a single group as a text.
  const list = value === undefined ? [] : typeof value === 'string' ? [value] : value;
  if (!Array.isArray(list) || !list.every((one) => typeof one === 'string') || list.length > mostGroups) {
    const message = `the claim "${name}" is not a list of at most ${mostGroups} names; name another claim`;
    return { ok: false, refusal: { kind: 'groupsMissing', message } };
  }
  // No role assignment can name the others.
  const kept = list.filter((group) => group.length >= 1 && group.length <= longestGroup && isStorable(group));
  return { ok: true, value: [...new Set(kept)].sort() };
}

/** Entra's groups overage: the token only says where groups could be asked for (OpenID Connect Core §5.6.2). */
function isOverage(claims: Claims, name: string): boolean {
  const elsewhere = claims._claim_names;
  return (isObject(elsewhere) && Object.hasOwn(elsewhere, name)) || claims.hasgroups !== undefined;
}

/** A text that can be kept and shown; undefined for anything else. */
function textOf(value: unknown, longest: number): string | undefined {
  if (typeof value !== 'string' || value.length > longest) return undefined;
  const text = value.trim();
  return text === '' || /[\p{Cc}\p{Cs}]/u.test(text) ? undefined : text;
}

/** PostgreSQL takes neither NUL nor half of a surrogate pair. */
function isStorable(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed();
}

function isObject(value: unknown): value is Claims {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
