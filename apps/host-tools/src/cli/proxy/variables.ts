import type { Localized } from '../../program/language.ts';

/** Programs read the one or the other writing, so both are written. */
export const proxyVariables = ['http_proxy', 'https_proxy', 'HTTP_PROXY', 'HTTPS_PROXY'] as const;
export const exceptionVariables = ['no_proxy', 'NO_PROXY'] as const;

const all: ReadonlySet<string> = new Set([...proxyVariables, ...exceptionVariables]);

/** True for a variable that says something about proxies. */
export const isProxyVariable = (name: string) => all.has(name);

/** What every place is to say; `undefined` takes a variable away, one that is missing stays as it is. */
export type Changes = Readonly<Record<string, string | undefined>>;

/** The changes for a proxy; without exceptions those of before stay. */
export function changesFor(proxy: string, exceptions: string | undefined): Changes {
  return Object.fromEntries([
    ...proxyVariables.map((name) => [name, proxy]),
    ...(exceptions === undefined ? [] : exceptionVariables.map((name) => [name, exceptions])),
  ]);
}

/** The changes that take every proxy away. */
export const noProxy: Changes = Object.fromEntries([...all].map((name) => [name, undefined]));

/** What a file says about proxies, or the first line that is not finished. */
export type ReadFile =
  | { ok: true; variables: ReadonlyMap<string, string> }
  | { ok: false; line: number; problem: Localized };

/** A kind of file that names a proxy. `set` is called only with a text that `read` has understood. */
export interface FileKind {
  read(text: string): ReadFile;
  /** Everything that says nothing about proxies stays byte for byte; an empty text means that the file may go. */
  set(text: string, changes: Changes): string;
}
