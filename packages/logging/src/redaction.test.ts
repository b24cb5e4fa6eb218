import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { redactLine, redactText, redactValue } from './redaction.ts';

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
/** Long enough not to stand in a text by chance. */
const secret = fc
  .array(fc.constantFrom(...letters), { minLength: 24, maxLength: 43 })
  .map((characters) => characters.join(''));
const pemOf = (body: string, kind = '') =>
  `-----BEGIN ${kind}PRIVATE KEY-----\n${body}\n-----END ${kind}PRIVATE KEY-----\n`;

/** Ways in which secrets of each kind stand in a text. */
const plants: Record<string, (secret: string) => string> = {
  'cookie of a session': (s) => `webvpn=${s}`,
  'cookie of a sign-in': (s) => `webvpncontext=${s}; path=/; Secure`,
  'cookie header': (s) => `Cookie: other=1; webvpn=${s}`,
  'set-cookie header': (s) => `set-cookie: webvpn=${s}; HttpOnly`,
  'bearer header': (s) => `Authorization: Bearer ${s}`,
  'bearer alone': (s) => `bearer ${s}`,
  'basic header': (s) => `authorization: Basic ${s}==`,
  'proxy header': (s) => `Proxy-Authorization: Basic ${s}`,
  'password of an address': (s) => `https://user:${s}@proxy.example.com:3128/`,
  'password of a database': (s) => `postgres://culvert:${s}@db/culvert`,
  'element of a sign-in': (s) => `<auth><username>alice</username><password>${s}</password></auth>`,
  'element with an attribute': (s) => `<secondary_password kind="x">${s}</secondary_password>`,
  'element as CDATA': (s) => `<password><![CDATA[${s}]]></password>`,
  'element cut off': (s) => `<password>${s}`,
  'token of a session': (s) => `<session-token>${s}</session-token>`,
  'form field': (s) => `username=alice&password=${s}&group=1`,
  'quoted field': (s) => `password: "a b ${s}"`,
  'field of JSON': (s) => JSON.stringify({ user: 'a', password: s }),
  'field of JSON in JSON': (s) => JSON.stringify({ body: JSON.stringify({ clientMasterSecret: s }) }),
  'field of JSON cut off': (s) => JSON.stringify({ password: s }).slice(0, -2),
  'short name of a password': (s) => `pwd=${s}`,
  'key of an account': (s) => JSON.stringify({ secretAccessKey: s, signing_key: s }),
  'key in the environment': (s) => `AWS_SECRET_ACCESS_KEY=${s}`,
  'hash of a password': (s) => JSON.stringify({ passwordHash: s, secret_hash: s }),
  'code of a sign-in without a browser': (s) => `device_code=${s}&user_code=${s}`,
  'assertion of a sign-in': (s) => `SAMLResponse=${s}&client_assertion=${s}`,
  'environment variable': (s) => `CULVERT_ADMIN_PASSWORD=${s}`,
  'private key': (s) => pemOf(s),
  'private key of a kind': (s) => pemOf(s, 'RSA '),
  'private key in one line': (s) => JSON.stringify(pemOf(s, 'EC ')),
  'private key cut off': (s) => `-----BEGIN PRIVATE KEY-----\n${s}`,
  'join token': (s) => `culvert-join-${s}`,
  'API token': (s) => `culvert_${s}`,
  'signed token': (s) => `eyJhbGciOiJSUzI1NiJ9.${s}.${s}`,
};

/** Texts that could confuse what looks for secrets. */
const surrounding = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 20 }),
      fc.constantFrom(
        ...['"', "'", '\\', '\\"', '=', ':', '&', ';', ' ', '\n', '\r\n', '<', '>', '</', '/>', '@', '://'],
        ...['password', 'password=', 'password: ', 'password="', 'token=', 'cookie: "', 'webvpn=', 'bearer '],
        ...['<password>', '</password>', '<password/>', '<password ', 'http://a:', 'culvert_', '…', '-----'],
      ),
    ),
    { maxLength: 6 },
  )
  .map((pieces) => pieces.join(''));

describe('a planted secret never comes out, whatever surrounds it', () => {
  test.each(Object.entries(plants))('%s', (_name, plant) => {
    fc.assert(
      fc.property(secret, surrounding, surrounding, (hidden, before, after) => {
        const text = `${before}${plant(hidden)}${after}`;
        expect(redactText(text)).not.toContain(hidden);
        expect(redactLine(JSON.stringify({ msg: text, err: { stack: [text] } }))).not.toContain(hidden);
        expect(redactLine(JSON.stringify({ msg: text }).slice(0, -1))).not.toContain(hidden);
      }),
      { numRuns: 300 },
    );
  });

  test('by the name of its field, at any depth', () => {
    const name = fc.constantFrom('password', 'newPassword', 'Cookie', 'set-cookie', 'private_key', 'apiKey');
    fc.assert(
      fc.property(secret, name, fc.nat(30), (hidden, field, depth) => {
        let value: unknown = { [field]: [hidden, { inner: hidden }] };
        for (let level = 0; level < depth; level += 1) value = level % 2 === 0 ? { value } : [value];
        expect(JSON.stringify(redactValue(value))).not.toContain(hidden);
      }),
    );
  });

  test('in the middle of a key whose beginning is in another file', () => {
    const body = 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj';
    expect(redactText(`noise\n${body}\n${body}\nnoise`)).toBe('noise\n…\n…\nnoise');
  });
});

test('what is no secret stays as it is', () => {
  for (const text of [
    'the configuration was read again and applied',
    'tls.privateKeyFile: cannot be read; run as root',
    'authentication[0].file: found "users"; the file has no accounts',
    'GET https://control.example.com:8444/agent/v1/check-in answered 503',
    'mail from root@example.com about https://example.com/a?b=1',
    '<password/><username>alice</username>',
  ]) {
    expect(redactText(text)).toBe(text);
  }
  expect(redactValue({ hasPassword: true, port: 443, users: ['alice'], cookie: null })).toEqual({
    hasPassword: true,
    port: 443,
    users: ['alice'],
    cookie: null,
  });
});

test('redacting twice changes nothing more', () => {
  fc.assert(
    fc.property(
      secret,
      surrounding,
      surrounding,
      fc.constantFrom(...Object.values(plants)),
      (s, a, b, plant) => {
        const once = redactLine(`${a}${plant(s)}${b}`);
        expect(redactLine(once).includes(s)).toBe(false);
      },
    ),
  );
});

test('a long text of a stranger is redacted in bounded time', () => {
  // Each would take hours if a pattern went back over what it has seen.
  for (const piece of [
    'password',
    '<password>',
    '://a:',
    '"',
    'cookie: "',
    'aaaa',
    '-----BEGIN ',
    ' ',
    'eyJaaaaaaaa.',
  ]) {
    expect(redactText(piece.repeat(65_536 / piece.length))).toBeDefined();
  }
});
