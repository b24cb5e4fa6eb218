import { createHash } from 'node:crypto';
import { type Account, findAccount } from '../accounts/account.ts';
import { changePassword } from '../accounts/passwords.ts';
import { isRecoveryCode } from '../accounts/recovery-codes.ts';
import {
  checkCode,
  checkPassword,
  completeSignIn,
  type From,
  nextStep,
  type PasswordCheck,
} from '../accounts/sign-in.ts';
import type { Context } from '../context.ts';
import { listEnabledProviders } from '../identity-providers/provider.ts';
import type { Interaction, Login } from './interaction.ts';
import { FormRefused } from './interaction-answers.ts';
import { inWords, type Messages } from './pages/messages.ts';
import type { Page, PageOptions } from './pages/page.ts';
import { codePage, newPasswordPage, type SignInPage, signInPage } from './pages/sign-in.ts';
import { clientName } from './provider-pages.ts';
import { firstState, openState, type StepState, sealState } from './step-state.ts';

/** What the form of a step sends. */
export type StepForm =
  | { step: 'password'; state: string; userName: string; password: string }
  | { step: 'code'; state: string; code: string }
  | { step: 'newPassword'; state: string; password: string; repeated: string };

/** The next page, or the end of the sign-in. */
export type StepOutcome = { kind: 'page'; page: Page } | { kind: 'signedIn'; login: Login };

/** Seconds after which a form may be sent again when too many are signing in. */
const busyFor = 5;

/** Method references for the ID token (RFC 8176 §2). */
const references: Record<string, string> = { password: 'pwd', totp: 'otp', recoveryCode: 'otp' };

type Failure = Exclude<PasswordCheck, { kind: 'accepted' }>;

/** The page on which a sign-in begins. */
export async function firstPage(
  context: Context,
  interaction: Interaction,
  userName = interaction.userNameHint,
  { wrong, notice, ...options }: PageOptions & Pick<SignInPage, 'wrong' | 'notice'> = {},
): Promise<Page> {
  const { uid, action, clientId, messages } = interaction;
  const state = sealState(context, firstState(uid));
  const providers = await listEnabledProviders(context.database.tables);
  const upstream = providers.map(({ id, displayName }) => ({
    name: displayName,
    url: `${action}/upstream/${id}`,
  }));
  const shown = {
    action,
    state,
    clientName: clientName(messages, clientId),
    userName,
    upstream,
    wrong,
    notice,
  };
  return signInPage(messages, shown, options);
}

/** Takes the step whose form was sent. Throws FormRefused when the form is not one that this sign-in has asked for. */
export async function takeStep(
  context: Context,
  interaction: Interaction,
  form: StepForm,
  from: From,
): Promise<StepOutcome> {
  const state = openState(context, form.state, interaction.uid);
  if (state === undefined) throw new FormRefused('the state of the step does not open');
  switch (form.step) {
    case 'password': {
      const { userName, password } = form;
      const result = await checkPassword(context, userName, password, from);
      if (result.kind === 'accepted') return goOn(context, interaction, result.account, ['password'], from);
      const failure = explain(interaction.messages, result, interaction.messages.wrongPassword);
      return { kind: 'page', page: await firstPage(context, interaction, userName, failure) };
    }
    case 'code': {
      const { account, methods } = await accountOf(context, state, 'code');
      const result = await checkCode(context, account.id, form.code, from);
      if (result.kind === 'accepted') {
        const method = isRecoveryCode(form.code) ? 'recoveryCode' : 'totp';
        return goOn(context, interaction, result.account, [...methods, method], from);
      }
      const { wrong, ...options } = explain(interaction.messages, result, interaction.messages.wrongCode);
      const step = { action: interaction.action, state: sealState(context, state), wrong };
      return { kind: 'page', page: codePage(interaction.messages, step, options) };
    }
    case 'newPassword':
      return takeNewPassword(context, interaction, state, form, from);
  }
}

async function takeNewPassword(
  context: Context,
  interaction: Interaction,
  state: StepState,
  { password, repeated }: { password: string; repeated: string },
  from: From,
): Promise<StepOutcome> {
  const { messages, action } = interaction;
  const { account, methods } = await accountOf(context, state, 'newPassword');
  const refuse = (field: 'password' | 'repeated', message: string): StepOutcome => {
    const shown = { action, state: sealState(context, state), userName: account.userName };
    const page = newPasswordPage(messages, { ...shown, wrong: { field, message } }, { status: 400 });
    return { kind: 'page', page };
  };
  if (password !== repeated) return refuse('repeated', messages.passwordsDiffer);
  const actor = { kind: 'user', id: account.id, name: account.userName, ...from } as const;
  const changed = await changePassword(context, account.id, password, actor);
  if (!changed.ok) return refuse('password', messages.passwordProblems[changed.message]);
  return goOn(context, interaction, { ...account, mustChangePassword: false }, methods, from);
}

/** Asks for the next proof that the account owes, or ends the sign-in. */
async function goOn(
  context: Context,
  { uid, action, messages }: Interaction,
  account: Account,
  methods: string[],
  from: From,
): Promise<StepOutcome> {
  const state = async () => {
    const passwordMark = await markOf(context, account.id);
    return sealState(context, { uid, accountId: account.id, passwordMark, methods });
  };
  switch (nextStep(account, { code: hasCode(methods) })) {
    case 'code':
      return { kind: 'page', page: codePage(messages, { action, state: await state() }) };
    case 'newPassword': {
      const step = { action, state: await state(), userName: account.userName };
      return { kind: 'page', page: newPasswordPage(messages, step) };
    }
    case 'done': {
      await completeSignIn(context, account, methods.join('+'), from);
      const amr = [...new Set(methods.flatMap((method) => references[method] ?? []))];
      return { kind: 'signedIn', login: { accountId: account.id, amr } };
    }
  }
}

/** The account that has proved itself so far. Its form is refused when it is not the step that comes next. */
async function accountOf(
  context: Context,
  { accountId, passwordMark, methods }: StepState,
  step: 'code' | 'newPassword',
): Promise<{ account: Account; methods: string[] }> {
  const account = accountId === undefined ? undefined : await findAccount(context.database.tables, accountId);
  if (account === undefined || !account.isEnabled) throw new FormRefused('the account cannot sign in');
  if (passwordMark !== (await markOf(context, account.id)))
    throw new FormRefused('the password was changed meanwhile');
  if (nextStep(account, { code: hasCode(methods) }) !== step)
    throw new FormRefused('this is not the next step');
  return { account, methods };
}

/** Tells one password from another without telling anything of either. */
async function markOf({ database }: Context, accountId: string): Promise<string> {
  const row = await database.tables
    .selectFrom('accounts')
    .select('password_hash')
    .where('id', '=', accountId)
    .executeTakeFirst();
  return createHash('sha256')
    .update(row?.password_hash ?? '')
    .digest('base64url');
}

function hasCode(methods: readonly string[]): boolean {
  return methods.includes('totp') || methods.includes('recoveryCode');
}

function explain(messages: Messages, failure: Failure, refused: string): PageOptions & { wrong: string } {
  switch (failure.kind) {
    case 'refused':
      return { status: 400, wrong: refused };
    case 'throttled': {
      const { retryAfter } = failure;
      return { status: 429, retryAfter, wrong: messages.throttled(inWords(messages, retryAfter)) };
    }
    case 'busy':
      return { status: 503, retryAfter: busyFor, wrong: messages.busy };
  }
}
