import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { deviceCodePage, deviceConfirmPage } from './device.ts';
import { html } from './html.ts';
import { chooseLanguage } from './language.ts';
import { inWords, messagesOf } from './messages.ts';
import { errorPage, noticePage, signOutPage } from './notices.ts';
import { codePage, newPasswordPage, signInPage } from './sign-in.ts';

vi.setConfig({ testTimeout: 30_000 });

/** Every page, with this text wherever something comes from outside. */
function pagesWith(text: string): string[] {
  return Object.values(messagesOf).flatMap((messages) => {
    const step = { action: text, state: text };
    const form = { action: text, xsrf: text, userCode: text };
    const upstream = [{ name: text, url: text }];
    return [
      signInPage(messages, {
        ...step,
        clientName: text,
        userName: text,
        upstream,
        wrong: text,
        notice: { text, technical: text },
      }),
      codePage(messages, { ...step, wrong: text }),
      newPasswordPage(messages, { ...step, userName: text, wrong: { field: 'repeated', message: text } }),
      deviceCodePage(messages, { ...form, wrong: text }),
      deviceConfirmPage(messages, form, { clientName: text, address: text, userAgent: text, userName: text }),
      noticePage(messages, text, text),
      errorPage(messages, { text, technical: text, requestId: text, startUrl: text }, { status: 400 }),
      signOutPage(messages, { action: text, xsrf: text, question: text }),
    ].map(({ body }) => body);
  });
}

/** What a browser makes of a page: its tags with the names of their attributes, without any text. */
function structureOf(page: string): string[] {
  return [...page.matchAll(/<(\/?[a-z!][^\s>]*)((?:\s+[^\s"=>]+(?:="[^"]*")?)*)\s*>/gi)].map(
    ([, tag, attributes = '']) => `${tag} ${attributes.replace(/="[^"]*"/g, '')}`,
  );
}

test('any text in any place comes out inert', () => {
  const hostile = fc.oneof(
    fc.string({ minLength: 1, unit: 'binary' }),
    fc.string({ unit: fc.constantFrom(...`<>"'\`&=/ ax-`), minLength: 1, maxLength: 40 }),
    fc.constantFrom('"><script>alert(1)</script>', "' onfocus='x", '</p>', '<!--', '&lt;', '"/>', '\u2028'),
  );
  const plain = JSON.stringify(pagesWith('x').map(structureOf));
  fc.assert(
    fc.property(hostile, (text) => {
      expect(JSON.stringify(pagesWith(text).map(structureOf))).toBe(plain);
    }),
  );
});

test('a text is shown as it is', () => {
  expect(html`<p title="${`a"b'c`}">${'<b>&amp;</b>'}</p>`.text).toBe(
    '<p title="a&quot;b&#39;c">&lt;b&gt;&amp;amp;&lt;/b&gt;</p>',
  );
  expect(html`${[html`<i></i>`, html`<b></b>`]}${undefined}${3}`.text).toBe('<i></i><b></b>3');
});

test('no page has a script or a style of its own, and every field has a label and its mistake', () => {
  for (const page of pagesWith('x')) {
    expect(page).not.toMatch(/<script|<style|\sstyle=|\son[a-z]+=|javascript:/i);
    expect(page).toMatch(/<html lang="(en|ja)">/);
    for (const [, id] of page.matchAll(/<input id="([^"]*)"/g)) expect(page).toContain(`<label for="${id}">`);
    for (const [, ids = ''] of page.matchAll(/<input[^>]* aria-describedby="([^"]*)"/g)) {
      for (const id of ids.split(' ')) expect(page).toContain(`id="${id}"`);
    }
    expect((page.match(/ autofocus/g) ?? []).length).toBeLessThanOrEqual(1);
  }
});

test('the program comes before the browser, and weights count', () => {
  expect(chooseLanguage(undefined, undefined)).toBe('en');
  expect(chooseLanguage(undefined, 'ja')).toBe('ja');
  expect(chooseLanguage(undefined, 'ja-JP,ja;q=0.9,en;q=0.8')).toBe('ja');
  expect(chooseLanguage(undefined, 'en;q=0.5, ja;q=0.9')).toBe('ja');
  expect(chooseLanguage(undefined, 'ja;q=0, de')).toBe('en');
  expect(chooseLanguage('de en', 'ja')).toBe('en');
  expect(chooseLanguage('JA', 'en')).toBe('ja');
});

test('any header gives a language', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (locales, header) => {
      expect(['en', 'ja']).toContain(chooseLanguage(locales, header));
    }),
  );
});

test('a wait is told in words and never too short', () => {
  const { en, ja } = messagesOf;
  expect([1, 0.2, 59.1, 90].map((seconds) => inWords(en, seconds))).toEqual([
    'one second',
    'one second',
    '60 seconds',
    '90 seconds',
  ]);
  expect([91, 900].map((seconds) => inWords(en, seconds))).toEqual(['2 minutes', '15 minutes']);
  expect(inWords(ja, 900)).toBe('15 分');
});
