import { type Html, html } from './html.ts';
import type { Messages } from './messages.ts';

/** A page that is ready to be sent. */
export interface Page {
  status: number;
  body: string;
  headers: Readonly<Record<string, string>>;
}

/** Nothing is loaded from anywhere but the stylesheet, no script runs, and nobody frames the page. */
export const pageHeaders = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'content-security-policy':
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'referrer-policy': 'same-origin',
} as const;

/** Below the issuer's path. */
export const stylePath = '/openid/style.css';

export interface PageOptions {
  status?: number;
  /** Seconds after which the form may be sent again. */
  retryAfter?: number;
}

/** A whole page around its content. */
export function page(
  messages: Messages,
  title: string,
  content: Html,
  { status = 200, retryAfter }: PageOptions = {},
): Page {
  const { text } = html`<!doctype html>
<html lang="${messages.languageCode}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} – ${messages.product}</title>
<link rel="stylesheet" href="${stylePath}">
</head>
<body>
<main>
<p class="product">${messages.product}</p>
<h1>${title}</h1>
${content}
</main>
</body>
</html>
`;
  const wait = retryAfter === undefined ? {} : { 'retry-after': String(Math.ceil(retryAfter)) };
  return { status, body: text, headers: { ...pageHeaders, ...wait } };
}

export interface Field {
  name: string;
  label: string;
  type?: 'text' | 'password';
  value?: string;
  autocomplete: string;
  inputMode?: 'numeric' | 'text';
  className?: string;
  hasFocus?: boolean;
  hint?: string;
  /** What is wrong with the value; read out together with the field. */
  wrong?: string;
}

/** A field with its label, hint and mistake. */
export function field(options: Field): Html {
  const { name, label, type = 'text', value = '', autocomplete, inputMode, className, hint, wrong } = options;
  const described = [
    hint === undefined ? [] : [`${name}-hint`],
    wrong === undefined ? [] : [`${name}-wrong`],
  ];
  const ids = described.flat().join(' ');
  return html`<label for="${name}">${label}</label>
${hint === undefined ? undefined : html`<div class="hint" id="${name}-hint">${hint}</div>`}
<input id="${name}" name="${name}" type="${type}" value="${value}" autocomplete="${autocomplete}" required
 autocapitalize="none" spellcheck="false"${inputMode === undefined ? undefined : html` inputmode="${inputMode}"`}${
   className === undefined ? undefined : html` class="${className}"`
 }${options.hasFocus === true ? html` autofocus` : undefined}${
   ids === '' ? undefined : html` aria-describedby="${ids}"`
 }${wrong === undefined ? undefined : html` aria-invalid="true"`}>
${wrong === undefined ? undefined : html`<p class="wrong" id="${name}-wrong" role="alert">${wrong}</p>`}`;
}

export function hidden(name: string, value: string): Html {
  return html`<input type="hidden" name="${name}" value="${value}">`;
}
