import { type Markup, xml, xmlDocument } from '../xml/writer.ts';
import type { Message, Messages } from './messages.ts';

/** The outcome of one step of a sign-in, as the client is told. */
export type SignInAnswer =
  | { kind: 'form'; state: string; error?: Message }
  | { kind: 'refused'; error: Message }
  | { kind: 'complete'; sessionId: string; cookie: string }
  | { kind: 'loggedOut' };

/** What documents say about the gateway itself. */
export interface DocumentFacts {
  messages: Messages;
  banner: string | undefined;
  /** SHA-1 of the leaf certificate, upper-case digits; Cisco clients pin the next connection to it. */
  certificateHash: string;
}

/** `config-auth` for clients that speak XML, a bare `auth` for the old form login (protocol.md §1.3, §1.6, §1.7). */
export function renderAnswer(answer: SignInAnswer, facts: DocumentFacts, aggregate: boolean): string {
  const auth = renderAuth(answer, facts);
  if (!aggregate) return xmlDocument(auth);
  // `type` decides in Cisco clients, `auth id` in openconnect.
  const type = answer.kind === 'complete' || answer.kind === 'loggedOut' ? 'complete' : 'auth-request';
  return xmlDocument(
    xml`<config-auth client="vpn" type="${type}" aggregate-auth-version="2">
<version who="sg">0.1(1)</version>${before(answer)}
${auth}${after(answer, facts)}
</config-auth>`,
  );
}

function renderAuth(answer: SignInAnswer, { messages, banner }: DocumentFacts): Markup {
  switch (answer.kind) {
    case 'form': {
      const error = answer.error === undefined ? [] : [renderError(answer.error)];
      return xml`<auth id="main">
<message id="${messages.prompt.number}" param1="" param2="">${messages.prompt.text}</message>${error}
<form method="post" action="/auth">
<input type="text" name="username" label="${messages.username}"></input>
<input type="password" name="password" label="${messages.password}"></input>
</form></auth>`;
    }
    case 'refused':
      return xml`<auth id="main">${renderError(answer.error)}</auth>`;
    case 'complete': {
      const text = banner === undefined ? [] : [xml`<banner>${banner}</banner>`];
      return xml`<auth id="success">${text}<message id="0" param1="" param2=""></message></auth>`;
    }
    case 'loggedOut':
      return xml`<auth id="main"></auth>`;
  }
}

const renderError = ({ number, text }: Message): Markup =>
  xml`<error id="${number}" param1="" param2="">${text}</error>`;

function before(answer: SignInAnswer): Markup[] {
  if (answer.kind === 'form') {
    // Every client sends this element back as it is.
    return [xml`<opaque is-for="sg"><sign-in>${answer.state}</sign-in></opaque>`];
  }
  if (answer.kind === 'complete') {
    return [xml`<session-id>${answer.sessionId}</session-id><session-token>${answer.cookie}</session-token>`];
  }
  return [];
}

function after(answer: SignInAnswer, { certificateHash }: DocumentFacts): Markup[] {
  if (answer.kind !== 'complete') return [];
  return [
    xml`<capabilities><crypto-supported>ssl-dhe</crypto-supported></capabilities>
<config client="vpn" type="private"><vpn-base-config><server-cert-hash>${certificateHash}</server-cert-hash></vpn-base-config></config>`,
  ];
}

const expired = 'expires=Thu, 01 Jan 1970 22:00:00 GMT; path=/; Secure; HttpOnly';

/** The cookies of an answer: the state of the sign-in, then the session's own (protocol.md §1.6). */
export function answerCookies(answer: SignInAnswer, { certificateHash }: DocumentFacts): string[] {
  switch (answer.kind) {
    case 'form':
      return [`webvpncontext=${answer.state}; path=/; Secure; HttpOnly`];
    case 'refused':
      return [`webvpncontext=; ${expired}`];
    case 'complete':
      return [
        `webvpncontext=; ${expired}`,
        `webvpn=${answer.cookie}; path=/; Secure; HttpOnly`,
        `webvpnc=bu:/&p:t&iu:1/&sh:${certificateHash}; path=/; Secure; HttpOnly`,
      ];
    case 'loggedOut':
      return [`webvpn=; ${expired}`, `webvpnc=; ${expired}`];
  }
}
