import type { Finding } from '@culvert/contracts';
import { z } from 'zod';
import { requireAnotherAdministrator } from '../accounts/administrators.ts';
import { endSessions } from '../accounts/end-sessions.ts';
import { requireCovered } from '../accounts/escalation.ts';
import type { GraphObject } from '../graph/conversion.ts';
import type { Change, Resource, StoredColumns } from '../graph/resource.ts';
import type { StoredRow } from '../graph/tables.ts';
import { ApiError } from '../http/errors.ts';
import { secret } from '../http/secret-text.ts';
import { grantOf } from '../roles/grants.ts';
import { identityProviders } from './entity.ts';
import { issuerProblem } from './issuer.ts';
import { purposeOf } from './provider.ts';

/** RFC 6749 §3.3. */
const scope = z
  .string()
  .regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,200}$/, { error: 'expected a scope, such as profile' });
const claimName = z.string().min(1).max(200);

const identityProviderSchema = z.strictObject({
  /** As it stands on the button of the sign-in page. */
  displayName: z.string().min(1).max(100),
  issuer: z
    .string()
    .max(500)
    .superRefine((text, issues) => {
      const message = issuerProblem(text);
      if (message !== undefined) issues.addIssue({ code: 'custom', message });
    }),
  clientId: z.string().min(1).max(200),
  /** Is never shown again; leave it out for a public client. */
  clientSecret: secret(z.string().min(1).max(2_000)).optional(),
  scopes: z
    .array(scope)
    .max(50)
    .refine((scopes) => scopes.includes('openid'), { error: '"openid" must be among them' })
    .default(['openid', 'profile', 'email']),
  /** Claim that names the user, such as preferred_username (Entra, Keycloak) or upn (AD FS). */
  userNameClaim: claimName.default('preferred_username'),
  /** Claim with the groups; a path such as realm_access.roles may be given too. */
  groupsClaim: claimName.default('groups'),
  /** Who is in none of them is not let in; an empty list lets everybody of the provider in. */
  allowedGroups: z.array(z.string().min(1).max(254)).max(100).default([]),
  isEnabled: z.boolean().default(true),
});

/** Identity providers: set up only by who holds everything that a provider could give to somebody. */
export const identityProviderResource: Resource = {
  set: identityProviders,
  access: {
    read: 'Culvert_Settings_Read',
    create: 'Culvert_Settings_Update',
    update: 'Culvert_Settings_Update',
    delete: 'Culvert_Settings_Update',
  },
  isScoped: false,
  title: 'identity provider',
  schema: identityProviderSchema as unknown as z.ZodType<GraphObject>,
  readOnly: ['id', 'hasClientSecret'],
  split: (body) => ({ properties: body, references: body }),
  columns: async (change, wanted, row) => {
    await requireMaySetUp(change, row);
    const secret = secretColumns(change, wanted, row);
    if (!secret.ok) return { ok: false, problems: [secret.problem] };
    if (row !== undefined && wanted.isEnabled === false) await leave(change, row);
    return { ok: true, value: secret.columns };
  },
  warnings: () => [],
  requireUnused: async (change, row) => {
    await requireMaySetUp(change, row);
    const [first] = await accountsOf(change, row);
    if (first === undefined) return;
    throw new ApiError(
      'Conflict',
      `accounts sign in through this provider, such as ${first.user_name}; delete them first, or disable the provider`,
    );
  },
};

/**
 * Throws unless the caller holds everything that groups give, and what accounts of this provider hold: whoever sets up a
 * provider says who is in which group, and who is whom.
 */
export async function requireMaySetUp({ tables, caller }: Change, row: StoredRow | undefined): Promise<void> {
  const ofProvider = tables
    .selectFrom('accounts')
    .select('id')
    .where('provider_id', '=', row?.id ?? '');
  const rows = await tables
    .selectFrom('role_assignments')
    .innerJoin('roles', 'roles.id', 'role_assignments.role_id')
    .select(['scope_tag_ids', 'permissions'])
    .where(({ eb, or }) => or([eb('member_kind', '=', 'group'), eb('member', 'in', ofProvider)]))
    .execute();
  requireCovered(caller, rows.map(grantOf), 'people of an identity provider can have');
}

function secretColumns(
  { context: { secrets } }: Change,
  { clientSecret, issuer }: GraphObject,
  row: StoredRow | undefined,
): { ok: true; columns: StoredColumns } | { ok: false; problem: Finding } {
  const target = typeof issuer === 'string' ? issuer : String(row?.issuer ?? '');
  if (typeof clientSecret === 'string') {
    const sealed = secrets.seal(clientSecret, purposeOf(target));
    return { ok: true, columns: { client_secret: sealed, has_client_secret: 1 } };
  }
  if (row === undefined || clientSecret === null)
    return { ok: true, columns: { client_secret: null, has_client_secret: 0 } };
  if (row.has_client_secret === 1 && target !== row.issuer) {
    const message = 'give the client secret again, because it was for another issuer; null takes it away';
    return { ok: false, problem: { path: 'clientSecret', message } };
  }
  return { ok: true, columns: {} };
}

/** What happens to the accounts of a provider that is switched off. */
async function leave(change: Change, row: StoredRow): Promise<void> {
  const { tables, context } = change;
  await requireAnotherAdministrator({ tables, engine: context.database.engine }, { providerId: row.id });
  for (const { id } of await accountsOf(change, row)) await endSessions(tables, id, context.now());
}

function accountsOf({ tables }: Change, { id }: StoredRow) {
  return tables
    .selectFrom('accounts')
    .select(['id', 'user_name'])
    .where('provider_id', '=', id)
    .orderBy('user_name')
    .execute();
}
