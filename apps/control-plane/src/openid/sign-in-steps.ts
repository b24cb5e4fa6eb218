import { type Account, findAccount } from '../accounts/account.ts';
import { changePassword, passwordMarkOf } from '../accounts/passwords.ts';
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
      if (result.kind === 'accepted') {
        const proved = { ...result, methods: ['password'] };
        return goOn(context, interaction, proved, from);
      }
      const failure = explain(interaction.messages, result, interaction.messages.wrongPassword);
      return { kind: 'page', page: await firstPage(context, interaction, userName, failure) };
    }
    case 'code': {
      const { account, methods, passwordMark } = await accountOf(context, state, 'code');
      const result = await checkCode(context, account.id, form.code, from);
      if (result.kind === 'accepted') {
        const method = isRecoveryCode(form.code) ? 'recoveryCode' : 'totp';
        const proved = { account: result.account, passwordMark, methods: [...methods, method] };
        return goOn(context, interaction, proved, from);
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
  const { account, methods, passwordMark } = await accountOf(context, state, 'newPassword');
  const refuse = (field: 'password' | 'repeated', message: string): StepOutcome => {
    const shown = { action, state: sealState(context, state), userName: account.userName };
    const page = newPasswordPage(messages, { ...shown, wrong: { field, message } }, { status: 400 });
    return { kind: 'page', page };
  };
  if (password !== repeated) return refuse('repeated', messages.passwordsDiffer);
  const actor = { kind: 'user', id: account.id, name: account.userName, ...from } as const;
  const change = { accountId: account.id, passwordMark, password, actor };
  const changed = await changePassword(context, change);
  if (!changed.ok) return refuse('password', messages.passwordProblems[changed.message]);
  const proved = { account: { ...account, mustChangePassword: false }, methods };
  return goOn(context, interaction, { ...proved, passwordMark: changed.passwordMark }, from);
}

/** An account, and how it has proved itself so far. */
interface Proved {
  account: Account;
  /** Of the password that was right. */
  passwordMark: string;
  methods: string[];
}

/** Asks for the next proof that the account owes, or ends the sign-in. */
async function goOn(
  context: Context,
  { uid, action, messages }: Interaction,
  { account, passwordMark, methods }: Proved,
  from: From,
): Promise<StepOutcome> {
  const state = sealState(context, { uid, accountId: account.id, passwordMark, methods });
  switch (nextStep(account, { code: hasCode(methods) })) {
    case 'code':
      return { kind: 'page', page: codePage(messages, { action, state }) };
    case 'newPassword': {
      const step = { action, state, userName: account.userName };
      return { kind: 'page', page: newPasswordPage(messages, step) };
    }
    case 'done': {
      await requireMark(context, account.id, passwordMark);
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
): Promise<Proved> {
  const account = accountId === undefined ? undefined : await findAccount(context.database.tables, accountId);
  if (account === undefined || !account.isEnabled || passwordMark === undefined)
    throw new FormRefused('the account cannot sign in');
  await requireMark(context, account.id, passwordMark);
  if (nextStep(account, { code: hasCode(methods) }) !== step)
    throw new FormRefused('this is not the next step');
  return { account, methods, passwordMark };
}

/** Refuses to go on when another password was set since this account has proved itself. */
async function requireMark({ database }: Context, accountId: string, passwordMark: string): Promise<void> {
  const row = await database.tables
    .selectFrom('accounts')
    .select('password_hash')
    .where('id', '=', accountId)
    .executeTakeFirst();
  if (passwordMarkOf(row?.password_hash) !== passwordMark)
    throw new FormRefused('the password was changed meanwhile');
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
