import type { Localized } from '../../program/language.ts';
import { type Changes, type FileKind, isProxyVariable } from './variables.ts';

const section = /^\s*\[([^\]]*)\]\s*$/;
const environment = /^\s*Environment\s*=(.*)$/;

/** A drop-in of a unit of systemd (systemd.unit(5), `Environment=` of systemd.exec(5)). */
export const unitDropIn: FileKind = {
  read(text) {
    const variables = new Map<string, string>();
    for (const [index, line] of text.split('\n').entries()) {
      const problem = explainLine(line);
      if (problem !== undefined) return { ok: false, line: index + 1, problem };
      for (const [name, value] of assignments(line)) if (isProxyVariable(name)) variables.set(name, value);
    }
    return { ok: true, variables };
  },

  set(text, changes) {
    const before = text.split('\n');
    const kept = before.flatMap((line) => withoutVariables(line, changes));
    const added = Object.entries(changes).flatMap(([name, value]) =>
      value === undefined ? [] : [`Environment="${name}=${value}"`],
    );
    if (added.length > 0) return insert(kept, added).join('\n');
    return kept.length < before.length && isEmptyService(kept) ? '' : kept.join('\n');
  },
};

/** True for a file that had nothing but variables that are gone. */
function isEmptyService(lines: readonly string[]): boolean {
  return lines.every((line) => line.trim() === '' || line.trim() === '[Service]');
}

/** The line without the variables that change; no line when nothing else was in it. */
function withoutVariables(line: string, changes: Changes): string[] {
  const found = assignments(line);
  if (!found.some(([name]) => Object.hasOwn(changes, name))) return [line];
  const others = found.filter(([name]) => !Object.hasOwn(changes, name));
  return others.length === 0
    ? []
    : [`Environment=${others.map(([name, value]) => quote(`${name}=${value}`)).join(' ')}`];
}

/** At the end of the section of the service, which is made when there is none. */
function insert(lines: readonly string[], added: readonly string[]): string[] {
  const start = lines.findIndex((line) => section.exec(line)?.[1] === 'Service');
  if (start < 0) {
    const before = lines.at(-1) === '' ? lines.slice(0, -1) : lines;
    return [...before, '[Service]', ...added, ''];
  }
  const next = lines.findIndex((line, index) => index > start && section.test(line));
  let end = next < 0 ? lines.length : next;
  while (end > start + 1 && lines[end - 1]?.trim() === '') end -= 1;
  const rest = lines.slice(end);
  return [...lines.slice(0, end), ...added, ...(rest.length === 0 ? [''] : rest)];
}

/** The variables of an `Environment=` line, none for any other. */
function assignments(line: string): [string, string][] {
  const words = environment.exec(line)?.[1];
  if (words === undefined) return [];
  return [...words.matchAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'|(\S+)/g)].map(([, double, single, bare]) => {
    const word = double?.replace(/\\(.)/g, '$1') ?? single ?? bare ?? '';
    const place = word.indexOf('=');
    return place < 0 ? [word, ''] : [word.slice(0, place), word.slice(place + 1)];
  });
}

const quote = (word: string) => `"${word.replace(/(["\\])/g, '\\$1')}"`;

function explainLine(line: string): Localized | undefined {
  if (/^\s*([#;]|$)/.test(line) || section.test(line)) return undefined;
  if (line.endsWith('\\')) return { en: 'the line ends with \\', ja: '行が \\ で終わっています' };
  if (!/^\s*[A-Za-z][A-Za-z0-9-]*\s*=/.test(line)) {
    return {
      en: 'it is neither a [Section] nor KEY=VALUE',
      ja: '[セクション] でも キー=値 でもありません',
    };
  }
  const words = environment.exec(line)?.[1];
  if (words === undefined) return undefined;
  const open = words.replace(/"(?:[^"\\]|\\.)*"|'[^']*'/g, '');
  return /["']/.test(open)
    ? { en: 'a quotation mark is not closed', ja: '引用符が閉じられていません' }
    : undefined;
}
