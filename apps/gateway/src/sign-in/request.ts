import { isUtf8 } from 'node:buffer';
import { onlyChild, readXml, type XmlElement } from '../xml/reader.ts';

/** Longer names and passwords are wrong without being looked at. */
export const maximumCredentialLength = 256;

/** Facts of `<device-id>`; all of them are the device's own words. */
export interface DeviceId {
  id?: string;
  deviceType?: string;
  uniqueId?: string;
}

/** What a client can send to the sign-in (protocol.md §1.2, §1.4, §1.7). */
export type SignInRequest =
  | { kind: 'init'; device: DeviceId }
  | {
      kind: 'reply';
      device: DeviceId;
      /** Content of `<opaque>`; the form login has none and uses the cookie. */
      state: string | undefined;
      username: string;
      password: string;
    }
  | { kind: 'logout'; sessionToken: string | undefined };

export type SignInRequestResult =
  | { ok: true; request: SignInRequest; aggregate: boolean }
  | { ok: false; reason: string };

const refused = (reason: string): SignInRequestResult => ({ ok: false, reason });

/** Reads the body of a POST: `<config-auth>`, or the form fields of clients without XML. */
export function readSignInRequest(body: Buffer): SignInRequestResult {
  if (body.length === 0) return { ok: true, request: { kind: 'init', device: {} }, aggregate: false };
  return startsLikeXml(body) ? readConfigAuth(body) : readForm(body);
}

function startsLikeXml(body: Buffer): boolean {
  const start = body.subarray(0, 16).toString('latin1').replace('\u00ef\u00bb\u00bf', '').trimStart();
  return start.startsWith('<');
}

function readConfigAuth(body: Buffer): SignInRequestResult {
  const document = readXml(body);
  if (!document.ok) return refused(document.reason);
  const { root } = document;
  if (root.name !== 'config-auth') return refused('the root element is not config-auth');
  // Two readers may take different ones of a pair, so what decides anything may occur once.
  const parts: Record<string, XmlElement | undefined> = {};
  for (const name of ['auth', 'opaque', 'device-id', 'session-token', 'client-cert-fail', 'group-select']) {
    const child = onlyChild(root, name);
    if (child === 'duplicate') return refused(`<${name}> occurs twice`);
    parts[name] = child;
  }
  const device = readDeviceId(parts['device-id']);
  switch (root.attributes.get('type')) {
    case 'init':
      return { ok: true, request: { kind: 'init', device }, aggregate: true };
    case 'logout': {
      const sessionToken = parts['session-token']?.text.trim();
      return { ok: true, request: { kind: 'logout', sessionToken }, aggregate: true };
    }
    case 'auth-reply': {
      const { auth, opaque } = parts;
      if (auth === undefined) return refused('<auth> is missing');
      const username = credential(auth, 'username');
      const password = credential(auth, 'password');
      if (!username.ok) return refused(username.reason);
      if (!password.ok) return refused(password.reason);
      const state = opaque === undefined ? undefined : onlyChild(opaque, 'sign-in');
      if (state === 'duplicate') return refused('<sign-in> occurs twice');
      const request: SignInRequest = {
        kind: 'reply',
        device,
        state: state?.text.trim(),
        username: username.text,
        password: password.text,
      };
      return { ok: true, request, aggregate: true };
    }
    default:
      return refused('the type of config-auth is not known');
  }
}

type Credential = { ok: true; text: string } | { ok: false; reason: string };

function credential(auth: XmlElement, name: string): Credential {
  const element = onlyChild(auth, name);
  if (element === 'duplicate') return { ok: false, reason: `<${name}> occurs twice` };
  if (element !== undefined && element.children.length > 0)
    return { ok: false, reason: `<${name}> is not text` };
  return { ok: true, text: element?.text ?? '' };
}

function readDeviceId(element: XmlElement | undefined): DeviceId {
  if (element === undefined) return {};
  const id = element.text.trim();
  const deviceType = element.attributes.get('device-type');
  const uniqueId = element.attributes.get('unique-id');
  return {
    ...(id === '' ? {} : { id }),
    ...(deviceType === undefined ? {} : { deviceType }),
    ...(uniqueId === undefined || uniqueId === '' ? {} : { uniqueId }),
  };
}

/** `application/x-www-form-urlencoded`, whatever the client calls it (protocol.md §1.7). */
function readForm(body: Buffer): SignInRequestResult {
  if (!isUtf8(body)) return refused('the form is not UTF-8');
  const fields = new URLSearchParams(body.toString('utf8'));
  const field = (name: string): Credential => {
    const values = fields.getAll(name);
    return values.length > 1
      ? { ok: false, reason: `${name} occurs twice` }
      : { ok: true, text: values[0] ?? '' };
  };
  const username = field('username');
  const password = field('password');
  if (!username.ok) return refused(username.reason);
  if (!password.ok) return refused(password.reason);
  const request: SignInRequest = {
    kind: 'reply',
    device: {},
    state: undefined,
    username: username.text,
    password: password.text,
  };
  return { ok: true, request, aggregate: false };
}
