import { readFileSync } from 'node:fs';
import { Failure } from '../program/failure.ts';
import type { Localized } from '../program/language.ts';

/** What stands in `env.sh`, or the first line that cannot be read. */
export type EnvironmentFile =
  | { ok: true; variables: ReadonlyMap<string, string> }
  | { ok: false; line: number; problem: Localized };

/**
 * Reads `env.sh`. A shell and a container engine (`--env-file`) read the same file, and they understand quotes, spaces and `export`
 * differently: only what both understand alike is taken. A later line of the same name counts.
 */
export function readEnvironmentFile(text: string): EnvironmentFile {
  const variables = new Map<string, string>();
  for (const [index, line] of text.split('\n').entries()) {
    if (isComment(line)) continue;
    const problem = explainLine(line);
    if (problem !== undefined) return { ok: false, line: index + 1, problem };
    const [name, value] = cut(line);
    variables.set(name, value);
  }
  return { ok: true, variables };
}

/** Reads `env.sh` from the disk; none is an empty one. Throws a Failure that names file, line and remedy. */
export function loadEnvironmentFile(file: string): ReadonlyMap<string, string> {
  const read = readEnvironmentFile(readText(file));
  if (read.ok) return read.variables;
  const { line, problem } = read;
  throw new Failure({
    en: `${file}, line ${line}: ${problem.en}. Correct the line and run this again.`,
    ja: `${file} の ${line} 行目: ${problem.ja}。この行を修正してから、もう一度実行してください。`,
  });
}

/**
 * The text with some variables changed; `undefined` takes one away. Comments, other variables and their order stay as they are. Throws
 * a Failure for a value that cannot stand in the file.
 */
export function setVariables(text: string, changes: Readonly<Record<string, string | undefined>>): string {
  let lines = text.split('\n');
  for (const [name, value] of Object.entries(changes)) {
    const isOf = (line: string) => !isComment(line) && cut(line)[0] === name;
    if (value === undefined) {
      lines = lines.filter((line) => !isOf(line));
      continue;
    }
    const written = `${name}=${value}`;
    const problem = explainLine(written);
    if (problem !== undefined)
      throw new Failure({ en: `${name}: ${problem.en}.`, ja: `${name}: ${problem.ja}。` });
    // The last one of several counts.
    const place = lines.findLastIndex(isOf);
    if (place >= 0) lines[place] = written;
    else lines = append(lines, written);
  }
  return lines.join('\n');
}

function append(lines: readonly string[], line: string): string[] {
  // The text after the last end of line is empty, unless somebody forgot that.
  const last = lines.at(-1) ?? '';
  return last === '' ? [...lines.slice(0, -1), line, ''] : [...lines, line, ''];
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return '';
    throw new Failure(
      { en: `${file} cannot be read: ${message}`, ja: `${file} を読み取れません: ${message}` },
      { cause: error },
    );
  }
}

function isComment(line: string): boolean {
  return line === '' || line.startsWith('#');
}

function cut(line: string): [string, string] {
  const place = line.indexOf('=');
  return place < 0 ? [line, ''] : [line.slice(0, place), line.slice(place + 1)];
}

/** What a shell takes for something else than itself when it stands in the value of an assignment without quotes. */
const special = /["'\\$`;&|<>()~]/;

/** Why a line is not understood alike by a shell and by a container engine; undefined when it is. */
function explainLine(line: string): Localized | undefined {
  if (line.endsWith('\r')) {
    return {
      en: 'the file has line ends of Windows; remove them with: sed -i "s/\\r$//" FILE',
      ja: '改行コードが Windows 形式です。sed -i "s/\\r$//" ファイル名 で削除できます',
    };
  }
  if (/\p{Cc}|\ufffd/u.test(line) && !line.includes('\t')) {
    return {
      en: 'the line holds characters that are no text',
      ja: 'テキストではない文字が含まれています',
    };
  }
  if (/^\s*export\s/.test(line)) {
    return {
      en: 'container engines do not understand "export"; write NAME=VALUE',
      ja: 'コンテナー エンジンは "export" を解釈できません。名前=値 の形で記述してください',
    };
  }
  if (!line.includes('=')) {
    return {
      en: 'there is no "="; write NAME=VALUE, or put # in front to make it a comment',
      ja: '"=" がありません。名前=値 の形で記述するか、行頭に # を付けてコメントにしてください',
    };
  }
  const [name, value] = cut(line);
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
    return {
      en: 'the name before "=" must be letters, digits and underscores without a space, and must not begin with a digit',
      ja: '"=" の前の名前に使えるのは英字、数字、アンダースコアだけです (空白と、先頭の数字は使えません)',
    };
  }
  if (/\s/.test(value)) {
    return {
      en: `the value of ${name} must not hold a space`,
      ja: `${name} の値に空白を含めることはできません`,
    };
  }
  const [found] = special.exec(value) ?? [];
  if (found !== undefined) {
    return {
      en: `the value of ${name} must not hold ${found}: a shell and a container engine read it differently; write values without quotes`,
      ja: `${name} の値に ${found} を含めることはできません (シェルとコンテナー エンジンで解釈が異なります)。値は引用符なしで記述してください`,
    };
  }
  return undefined;
}
