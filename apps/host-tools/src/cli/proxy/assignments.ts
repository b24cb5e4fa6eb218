import type { Localized } from '../../program/language.ts';
import { type Changes, type FileKind, isProxyVariable, type ReadFile } from './variables.ts';

interface Assignment {
  name: string;
  value: string;
  isExported: boolean;
}

/** `/etc/environment`: assignments only, as pam_env(8) reads them. */
export const environmentFile: FileKind = {
  read: (text) => read(text, { takesOnlyAssignments: true }),
  set: (text, changes) => set(text, changes, ''),
};

/** `/etc/profile.d/http_proxy.sh`: a script of the shell, of which the simple assignments are understood. */
export const profileScript: FileKind = {
  read: (text) => read(text, { takesOnlyAssignments: false }),
  set: (text, changes) => set(text, changes, 'export '),
};

function read(text: string, { takesOnlyAssignments }: { takesOnlyAssignments: boolean }): ReadFile {
  const variables = new Map<string, string>();
  for (const [index, line] of text.split('\n').entries()) {
    if (/^\s*(#|$)/.test(line)) continue;
    const problem = explainLine(line, takesOnlyAssignments);
    if (problem !== undefined) return { ok: false, line: index + 1, problem };
    const assignment = parse(line);
    if (assignment !== undefined && isProxyVariable(assignment.name))
      variables.set(assignment.name, assignment.value);
  }
  return { ok: true, variables };
}

function set(text: string, changes: Changes, prefix: string): string {
  let lines = text.split('\n');
  for (const [name, value] of Object.entries(changes)) {
    const isOf = (line: string) => parse(line)?.name === name;
    if (value === undefined) {
      lines = lines.filter((line) => !isOf(line));
      continue;
    }
    // The last of several counts, and the others would only confuse.
    const place = lines.findLastIndex(isOf);
    const exported = place >= 0 && parse(lines[place] ?? '')?.isExported === true ? 'export ' : prefix;
    const written = `${exported}${name}=${value}`;
    if (place >= 0)
      lines = lines.flatMap((line, index) => (index === place ? [written] : isOf(line) ? [] : [line]));
    else lines = lines.at(-1) === '' ? [...lines.slice(0, -1), written, ''] : [...lines, written, ''];
  }
  return lines.join('\n');
}

function parse(line: string): Assignment | undefined {
  const match = /^\s*(export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)$/.exec(line);
  if (match === null) return undefined;
  const [, exported, name = '', rest = ''] = match;
  const value = rest
    .replace(/(^|\s)#.*$/, '')
    .replace(/;\s*$/, '')
    .trim();
  return { name, value: value.replace(/^(["'])(.*)\1$/, '$2'), isExported: exported !== undefined };
}

/** Why a line is not finished, or says something about a proxy that is not understood; undefined when it is fine. */
function explainLine(line: string, takesOnlyAssignments: boolean): Localized | undefined {
  const code = line.replace(/\s#.*$/, '');
  if (!hasClosedQuotes(code))
    return { en: 'a quotation mark is not closed', ja: '引用符が閉じられていません' };
  if (code.endsWith('\\')) return { en: 'the line ends with \\', ja: '行が \\ で終わっています' };
  const assignment = parse(line);
  if (assignment === undefined) {
    if (takesOnlyAssignments) return { en: 'there is no NAME=VALUE', ja: '名前=値 の形ではありません' };
    return /(^|[\s;])(https?|no)_proxy\s*=/i.test(code)
      ? {
          en: 'it sets a proxy in a way that cannot be changed here',
          ja: 'ここでは変更できない形でプロキシを設定しています',
        }
      : undefined;
  }
  if (!isProxyVariable(assignment.name)) return undefined;
  return /[\s;&|$`]/.test(assignment.value)
    ? {
        en: `the value of ${assignment.name} is more than one word`,
        ja: `${assignment.name} の値が 1 つの語ではありません`,
      }
    : undefined;
}

function hasClosedQuotes(code: string): boolean {
  const unquoted = code.replace(/\\./g, '').replace(/"[^"]*"|'[^']*'/g, '');
  return !/["']/.test(unquoted);
}
