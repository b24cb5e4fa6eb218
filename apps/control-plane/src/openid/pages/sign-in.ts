import { html } from './html.ts';
import type { Messages } from './messages.ts';
import { field, hidden, type Page, type PageOptions, page } from './page.ts';

/** What every step of a sign-in has: where its form goes, and the sealed state that it sends back. */
export interface Step {
  action: string;
  state: string;
}

export interface UpstreamChoice {
  name: string;
  url: string;
}

export interface SignInPage extends Step {
  clientName: string;
  userName: string;
  upstream: readonly UpstreamChoice[];
  wrong?: string | undefined;
  /** What became of a sign-in at another service. */
  notice?: { text: string; technical: string } | undefined;
}

/** User name and password, and the other services at which people can sign in. */
export function signInPage(
  messages: Messages,
  { action, state, clientName, userName, upstream, wrong, notice }: SignInPage,
  options?: PageOptions,
): Page {
  const content = html`<p class="hint">${messages.signInTo(clientName)}</p>
${
  notice === undefined
    ? undefined
    : html`<p class="wrong" role="alert">${notice.text}</p>
<p class="hint">${messages.technical}: ${notice.technical}</p>`
}
<form method="post" action="${action}">
${hidden('step', 'password')}${hidden('state', state)}
${field({ name: 'userName', label: messages.userName, value: userName, autocomplete: 'username', hasFocus: userName === '' })}
${field({
  name: 'password',
  label: messages.password,
  type: 'password',
  autocomplete: 'current-password',
  hasFocus: userName !== '',
  ...(wrong === undefined ? {} : { wrong }),
})}
<button type="submit">${messages.signIn}</button>
</form>
${upstream.length === 0 ? undefined : html`<p class="or hint">${messages.or}</p>`}
${upstream.map(({ name, url }) => html`<a class="button" href="${url}">${messages.signInWith(name)}</a>`)}`;
  return page(messages, messages.signIn, content, options);
}

/** The code of the second factor. */
export function codePage(
  messages: Messages,
  { action, state, wrong }: Step & { wrong?: string | undefined },
  options?: PageOptions,
): Page {
  const content = html`<form method="post" action="${action}">
${hidden('step', 'code')}${hidden('state', state)}
${field({
  name: 'code',
  label: messages.code,
  autocomplete: 'one-time-code',
  hasFocus: true,
  hint: messages.codeHint,
  ...(wrong === undefined ? {} : { wrong }),
})}
<button type="submit">${messages.continue}</button>
</form>`;
  return page(messages, messages.secondStep, content, options);
}

export interface NewPasswordPage extends Step {
  /** For password managers, which keep the new password under it. */
  userName: string;
  wrong?: { field: 'password' | 'repeated'; message: string } | undefined;
}

/** A password of the owner's choice instead of the one that was given. */
export function newPasswordPage(
  messages: Messages,
  { action, state, userName, wrong }: NewPasswordPage,
  options?: PageOptions,
): Page {
  const mistake = (name: 'password' | 'repeated') =>
    wrong?.field === name ? { wrong: wrong.message } : undefined;
  const content = html`<p class="hint">${messages.newPasswordHint}</p>
<ul>${messages.passwordRules.map((rule) => html`<li>${rule}</li>`)}</ul>
<form method="post" action="${action}">
${hidden('step', 'newPassword')}${hidden('state', state)}
<input type="hidden" name="userName" value="${userName}" autocomplete="username">
${field({
  name: 'password',
  label: messages.newPasswordField,
  type: 'password',
  autocomplete: 'new-password',
  hasFocus: wrong?.field !== 'repeated',
  ...mistake('password'),
})}
${field({
  name: 'repeated',
  label: messages.repeatPassword,
  type: 'password',
  autocomplete: 'new-password',
  hasFocus: wrong?.field === 'repeated',
  ...mistake('repeated'),
})}
<button type="submit">${messages.savePassword}</button>
</form>`;
  return page(messages, messages.newPassword, content, options);
}
