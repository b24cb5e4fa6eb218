import { html } from './html.ts';
import type { Messages } from './messages.ts';
import { hidden, type Page, type PageOptions, page } from './page.ts';

/** A page that tells something and asks nothing. */
export function noticePage(messages: Messages, title: string, text: string, options?: PageOptions): Page {
  return page(messages, title, html`<p class="hint">${text}</p>`, options);
}

export interface ErrorPage {
  text: string;
  /** What the standard calls it, for whoever looks after the program. */
  technical?: string | undefined;
  requestId: string;
  startUrl: string;
}

/** What went wrong, what to do next, and the number under which the log has more. */
export function errorPage(
  messages: Messages,
  { text, technical, requestId, startUrl }: ErrorPage,
  options: PageOptions,
): Page {
  const content = html`<p role="alert">${text}</p>
<dl>
${technical === undefined ? undefined : html`<dt>${messages.technical}</dt><dd>${technical}</dd>`}
<dt>${messages.requestNumber}</dt><dd>${requestId}</dd>
</dl>
<a class="button" href="${startUrl}">${messages.startAgain}</a>`;
  return page(messages, messages.errorTitle, content, options);
}

/** Asks before the browser is signed out: another site may have sent people here. */
export function signOutPage(
  messages: Messages,
  { action, xsrf, question }: { action: string; xsrf: string; question: string },
): Page {
  const content = html`<p class="hint">${question}</p>
<form method="post" action="${action}">
${hidden('xsrf', xsrf)}
<button type="submit" name="logout" value="yes">${messages.signOut}</button>
</form>`;
  return page(messages, messages.signOut, content);
}
