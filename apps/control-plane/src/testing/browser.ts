import type { Fetch } from './fetch.ts';

interface Cookie {
  name: string;
  value: string;
  path: string;
  isSecure: boolean;
}

/** A page as a person sees it. */
export interface Seen {
  url: string;
  status: number;
  text: string;
  headers: Headers;
}

/** A small browser without scripts: keeps cookies, follows redirects, fills in forms. */
export class Browser {
  readonly #fetch: Fetch;
  readonly #headers: Record<string, string>;
  #cookies: Cookie[] = [];
  #seen: Seen = { url: '', status: 0, text: '', headers: new Headers() };

  constructor(fetch: Fetch, headers: Record<string, string> = {}) {
    this.#fetch = fetch;
    this.#headers = headers;
  }

  get page(): Seen {
    return this.#seen;
  }

  get cookies(): readonly Readonly<Cookie>[] {
    return this.#cookies;
  }

  /** Puts a cookie into the jar, as an attacker would. */
  setCookie(cookie: Cookie): void {
    this.#cookies = [
      ...this.#cookies.filter(({ name, path }) => name !== cookie.name || path !== cookie.path),
      cookie,
    ];
  }

  /** Opens an address and follows redirects as long as they lead to an address that begins with `within`. */
  async open(url: string, within = new URL(url).origin): Promise<Seen> {
    return this.#go('GET', url, undefined, within);
  }

  /** Sends the form of the page with these fields filled in, by the button of this name if it has one. */
  async submit(fields: Record<string, string>, button?: string): Promise<Seen> {
    const form = /<form method="post" action="([^"]*)"[^>]*>([\s\S]*?)<\/form>/.exec(this.#seen.text);
    if (form === null) throw new Error(`the page has no form: ${this.#seen.text}`);
    const [, action = '', content = ''] = form;
    const inputs = [...content.matchAll(/<(input|button)\s([^>]*)>/g)].map(([, tag, attributes = '']) => ({
      tag,
      name: attribute(attributes, 'name'),
      value: attribute(attributes, 'value') ?? '',
    }));
    const values = inputs.flatMap(({ tag, name, value }) =>
      name === undefined || (tag === 'button' && name !== button) ? [] : [[name, value] as const],
    );
    const missing = Object.keys(fields).filter((name) => !values.some(([known]) => known === name));
    if (missing.length > 0) throw new Error(`the form has no field ${missing.join(', ')}`);
    const body = new URLSearchParams([...values, ...Object.entries(fields)].reduce(replace, [])).toString();
    const url = new URL(decodeEntities(action), this.#seen.url);
    return this.#go('POST', url.href, body, url.origin);
  }

  async #go(method: string, start: string, form: string | undefined, within: string): Promise<Seen> {
    let url = start;
    let body = form;
    for (let hop = 0; hop < 20; hop += 1) {
      const answer = await this.#fetch(url, {
        method: body === undefined ? 'GET' : method,
        headers: {
          accept: 'text/html',
          ...this.#headers,
          cookie: this.#cookiesFor(url),
          ...(body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
        },
        body,
      });
      this.#keep(answer.headers.getSetCookie(), url);
      const location = answer.headers.get('location');
      this.#seen = { url, status: answer.status, text: await answer.text(), headers: answer.headers };
      if (location === null) return this.#seen;
      url = new URL(location, url).href;
      body = undefined;
      // The page of the admin centre is not there in these tests; its address is what counts.
      if (
        !url.startsWith(within) ||
        new URL(url).pathname === '/signed-in' ||
        new URL(url).pathname === '/'
      ) {
        this.#seen = { ...this.#seen, url };
        return this.#seen;
      }
    }
    throw new Error(`too many redirects; the last leads to ${url}`);
  }

  #cookiesFor(url: string): string {
    const { pathname } = new URL(url);
    return this.#cookies
      .filter(({ path }) => pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`))
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ');
  }

  #keep(lines: readonly string[], url: string): void {
    for (const line of lines) {
      const [pair = '', ...attributes] = line.split(/;\s*/);
      const [name = '', value = ''] = pair.split(/=(.*)/s);
      const option = (wanted: string) =>
        attributes.find((one) => one.toLowerCase().startsWith(`${wanted}=`))?.slice(wanted.length + 1);
      const path = option('path') ?? new URL(url).pathname;
      this.#cookies = this.#cookies.filter((known) => known.name !== name || known.path !== path);
      const expires = option('expires');
      if (expires !== undefined && Date.parse(expires) <= Date.now()) continue;
      this.#cookies.push({ name, value, path, isSecure: attributes.some((one) => /^secure$/i.test(one)) });
    }
  }
}

function attribute(attributes: string, name: string): string | undefined {
  const value = new RegExp(`(?:^|\\s)${name}="([^"]*)"`).exec(attributes)?.[1];
  return value === undefined ? undefined : decodeEntities(value);
}

function decodeEntities(text: string): string {
  return text.replace(/&(amp|lt|gt|quot|#39|#96);/g, (_, name: string) => entities[name] ?? '');
}

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'", '#96': '`' };

function replace(list: [string, string][], [name, value]: readonly [string, string]): [string, string][] {
  return [...list.filter(([known]) => known !== name), [name, value]];
}
