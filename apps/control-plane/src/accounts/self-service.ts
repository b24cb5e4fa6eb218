import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { mistakes } from '../graph/body.ts';
import { ownBase } from '../graph/entity-set.ts';
import { callerOf } from '../http/access.ts';
import { ApiError } from '../http/errors.ts';
import { secret } from '../http/secret-text.ts';
import { hasPermission, permittedScope } from '../permissions/caller.ts';
import { permissions } from '../permissions/permissions.ts';
import { type Account, findAccount } from './account.ts';
import { passwordProblems } from './password-rules.ts';
import { changePassword } from './passwords.ts';
import { beginSecondFactor, confirmSecondFactor, removeSecondFactor } from './second-factor-setup.ts';
import { checkCode, checkPassword, type PasswordCheck } from './sign-in.ts';

const shownMe = z.object({
  id: z.string(),
  userName: z.string(),
  displayName: z.string(),
  groups: z.array(z.string()),
  hasSecondFactor: z.boolean(),
  providerId: z.string().nullable(),
  permissions: z.array(
    z.object({
      id: z.string(),
      scopeTagIds: z.array(z.string()).nullable().describe('Scope tags that it reaches; null for all'),
    }),
  ),
});
const passwordBody = z.strictObject({ presentPassword: secret(z.string()), newPassword: secret(z.string()) });
const codeBody = z.strictObject({ code: secret(z.string().min(6).max(100)) });

/** What people do with their own account. API tokens have none. */
export function registerSelfService(application: FastifyInstance, context: Context): void {
  const url = `${ownBase}/me`;
  const config = { access: 'signedIn' } as const;
  // Passwords and codes can be tried only so often.
  const throttled = { access: 'signedIn', errors: ['TooManyRequests'] } as const;
  const tags = ['me'];

  application.get(
    url,
    {
      config,
      schema: { summary: 'Read your account and what you may do', tags, response: { 200: shownMe } },
    },
    async (request) => {
      const { id, userName, displayName, groups, hasSecondFactor, providerId } = await ownAccount(request);
      const account = { id, userName, displayName, groups, hasSecondFactor, providerId: providerId ?? null };
      return { ...account, permissions: permissionsOf(request) };
    },
  );
  application.post<{ Body: z.output<typeof passwordBody> }>(
    `${url}/changePassword`,
    {
      config: throttled,
      schema: {
        summary: 'Change your password; your other sessions end',
        tags,
        body: passwordBody,
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      const account = await ownAccount(request);
      if (account.providerId !== undefined)
        throw new ApiError('Conflict', 'the identity provider looks after your password; change it there');
      const { presentPassword, newPassword } = request.body;
      const check = await checkPassword(context, account.userName, presentPassword, fromOf(request));
      const { passwordMark } = requireAccepted(check, 'presentPassword', 'this is not your present password');
      const { actor, sessionUid } = callerOf(request);
      const changed = await changePassword(context, {
        accountId: account.id,
        passwordMark,
        password: newPassword,
        actor,
        exceptSessionUid: sessionUid,
      });
      if (!changed.ok) throw mistakes([{ path: 'newPassword', message: passwordProblems[changed.message] }]);
      return reply.status(204).send(null);
    },
  );
  application.post(
    `${url}/secondFactor/begin`,
    {
      config: throttled,
      schema: {
        summary: 'Make a secret for an authenticator app; it counts after a code has confirmed it',
        tags,
        response: { 200: z.object({ secret: z.string(), otpauthUrl: z.string() }) },
      },
    },
    async (request) => beginSecondFactor(context, await ownAccount(request), callerOf(request).actor),
  );
  application.post<{ Body: z.output<typeof codeBody> }>(
    `${url}/secondFactor/confirm`,
    {
      config: throttled,
      schema: {
        summary: 'Turn the second factor on; the recovery codes are shown this once',
        tags,
        body: codeBody,
        response: { 200: z.object({ recoveryCodes: z.array(z.string()) }) },
      },
    },
    async (request) => {
      const account = await ownAccount(request);
      const { actor } = callerOf(request);
      const recoveryCodes = await confirmSecondFactor(context, account, request.body.code, actor);
      if (recoveryCodes === undefined) throw mistakes([{ path: 'code', message: wrongCode }]);
      return { recoveryCodes };
    },
  );
  application.post<{ Body: z.output<typeof codeBody> }>(
    `${url}/secondFactor/remove`,
    {
      config: throttled,
      schema: {
        summary: 'Turn the second factor off',
        tags,
        body: codeBody,
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      const account = await ownAccount(request);
      if (!account.hasSecondFactor) throw new ApiError('Conflict', 'there is no second factor to remove');
      const check = await checkCode(context, account.id, request.body.code, fromOf(request));
      requireAccepted(check, 'code', wrongCode);
      await removeSecondFactor(context, account, callerOf(request).actor);
      return reply.status(204).send(null);
    },
  );

  async function ownAccount(request: FastifyRequest): Promise<Account> {
    const { kind, id } = callerOf(request).actor;
    const account =
      kind === 'user' && id !== undefined ? await findAccount(context.database.tables, id) : undefined;
    if (account !== undefined) return account;
    throw new ApiError('Forbidden', 'this is for people who signed in; an API token has no account');
  }
}

const wrongCode = 'this is not a code of now, or it was used; wait for the next one in the app';

function fromOf({ ip, id }: FastifyRequest) {
  return { address: ip, requestId: id };
}

function permissionsOf(request: FastifyRequest) {
  const caller = callerOf(request);
  return permissions
    .filter((permission) => hasPermission(caller, permission))
    .map((id) => {
      const scope = permittedScope(caller, id);
      return { id, scopeTagIds: scope === 'all' ? null : [...scope].sort() };
    });
}

function requireAccepted<Check extends PasswordCheck>(
  check: Check,
  field: string,
  message: string,
): Extract<Check, { kind: 'accepted' }> {
  switch (check.kind) {
    case 'accepted':
      return check as Extract<Check, { kind: 'accepted' }>;
    case 'refused':
      throw mistakes([{ path: field, message }]);
    case 'throttled': {
      const { retryAfter } = check;
      const seconds = `${retryAfter} ${retryAfter === 1 ? 'second' : 'seconds'}`;
      throw new ApiError('TooManyRequests', `too many failed attempts; try again in ${seconds}`, {
        retryAfter,
      });
    }
    case 'busy':
      throw new ApiError('ServiceUnavailable', 'too many sign-ins at the same time; try again shortly', {
        retryAfter: 2,
      });
  }
}
