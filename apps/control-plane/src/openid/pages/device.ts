import { html } from './html.ts';
import type { Messages } from './messages.ts';
import { field, hidden, type Page, type PageOptions, page } from './page.ts';

export interface DeviceForm {
  action: string;
  /** Binds the form to the session of the browser. */
  xsrf: string;
  userCode: string;
}

/** Asks for the code that the device shows. */
export function deviceCodePage(
  messages: Messages,
  { action, xsrf, userCode, wrong }: DeviceForm & { wrong?: string | undefined },
  options?: PageOptions,
): Page {
  const content = html`<form method="post" action="${action}">
${hidden('xsrf', xsrf)}
${field({
  name: 'user_code',
  label: messages.deviceCode,
  value: userCode,
  autocomplete: 'off',
  className: 'code',
  hasFocus: true,
  hint: messages.deviceHint,
  ...(wrong === undefined ? {} : { wrong }),
})}
<button type="submit">${messages.continue}</button>
</form>`;
  return page(messages, messages.deviceTitle, content, options);
}

export interface DeviceRequest {
  clientName: string;
  address: string;
  userAgent: string;
  /** Of the account that is signed in in this browser. */
  userName: string | undefined;
}

/** Shows who asks, and lets people refuse: a stranger may have sent them here (RFC 8628 §5.4). */
export function deviceConfirmPage(
  messages: Messages,
  { action, xsrf, userCode }: DeviceForm,
  { clientName, address, userAgent, userName }: DeviceRequest,
): Page {
  const row = (name: string, value: string) => html`<dt>${name}</dt><dd>${value}</dd>`;
  const content = html`<p class="hint" id="confirm-hint">${messages.deviceConfirmHint}</p>
<dl>
<dt>${messages.deviceCode}</dt><dd><code>${userCode}</code></dd>
${row(messages.deviceProgram, clientName)}
${row(messages.deviceAddress, address)}
${userAgent === '' ? undefined : row(messages.deviceAgent, userAgent)}
${userName === undefined ? undefined : row(messages.deviceAccount, userName)}
</dl>
<form method="post" action="${action}" aria-describedby="confirm-hint">
${hidden('xsrf', xsrf)}${hidden('user_code', userCode)}
<button type="submit" name="confirm" value="yes">${messages.deviceYes}</button>
<button type="submit" name="abort" value="yes" class="quiet">${messages.deviceNo}</button>
</form>`;
  return page(messages, messages.deviceConfirm, content);
}
