import type { Language, Localized } from '../program/language.ts';
import { allCommands, type CommandNode, type OptionNode } from './command-tree.ts';

const words = {
  section: { en: 'System administration', ja: 'システム管理' },
  name: { en: 'NAME', ja: '名前' },
  synopsis: { en: 'SYNOPSIS', ja: '書式' },
  description: { en: 'DESCRIPTION', ja: '説明' },
  options: { en: 'OPTIONS', ja: 'オプション' },
  commands: { en: 'COMMANDS', ja: 'コマンド' },
  exitStatus: { en: 'EXIT STATUS', ja: '終了ステータス' },
  environment: { en: 'ENVIRONMENT', ja: '環境変数' },
  seeAlso: { en: 'SEE ALSO', ja: '関連項目' },
  oneOf: { en: 'One of:', ja: '次のいずれか:' },
  standard: { en: 'Default:', ja: '既定値:' },
  good: { en: 'Everything is as it should be.', ja: '正常に終了しました。' },
  failed: {
    en: 'A check failed, or the command could not do what it was asked for.',
    ja: '確認で問題が見つかったか、コマンドが失敗しました。',
  },
  wrongUse: { en: 'The command line has a mistake.', ja: 'コマンド ラインに誤りがあります。' },
  interrupted: { en: 'It was interrupted.', ja: '中断されました。' },
  language: {
    en: 'Language of the output, unless the option --lang names one: Japanese when it begins with ja, otherwise English.',
    ja: '出力の言語です。ja で始まる場合は日本語、それ以外は英語になります。オプション --lang を指定した場合は、そちらが優先されます。',
  },
  colour: {
    en: 'When it is set, nothing is coloured.',
    ja: '設定すると、色を使用しません。',
  },
} satisfies Record<string, Localized>;

/** The manual page of a tool in section 8, as roff with the macros of man(7). `others` are the tools that it refers to. */
export function manPage(
  tool: CommandNode,
  { language, version, others }: { language: Language; version: string; others: readonly string[] },
): string {
  const say = (text: Localized) => text[language];
  const heading = (text: Localized) => `.SH ${quoted(say(text))}`;
  const commands = allCommands(tool)
    .slice(1)
    .filter(({ name }) => !name.endsWith(' help'));
  return [
    // Read by preconv, which man calls.
    '.\\" -*- mode: nroff; coding: utf-8 -*-',
    `.TH ${[tool.name.toUpperCase(), '8', '', `Culvert ${version}`, say(words.section)].map(quoted).join(' ')}`,
    // Stretched lines are hard to read in Japanese.
    '.ad l',
    heading(words.name),
    `${escaped(tool.name)} \\- ${escaped(tool.description.split('\n')[0] ?? '')}`,
    heading(words.synopsis),
    ...usage(tool, tool),
    heading(words.description),
    ...paragraphs(tool.description),
    heading(words.options),
    ...details(tool, say),
    ...(commands.length === 0 ? [] : [heading(words.commands)]),
    ...commands.flatMap((command) => [
      `.SS ${quoted(command.name.slice(tool.name.length + 1))}`,
      ...usage(tool, command),
      ...(command.description === '' ? [] : ['.PP', ...paragraphs(command.description)]),
      ...details(command, say),
    ]),
    heading(words.exitStatus),
    ...item('.B 0', say(words.good)),
    ...item('.B 1', say(words.failed)),
    ...item('.B 2', say(words.wrongUse)),
    ...item('.B 130', say(words.interrupted)),
    heading(words.environment),
    ...item('.BR LC_ALL ", " LC_MESSAGES ", " LANG', say(words.language)),
    ...item('.B NO_COLOR', say(words.colour)),
    heading(words.seeAlso),
    others.map((other) => `.BR ${escaped(other)} (8)`).join(' ,\n'),
    '',
  ].join('\n');
}

function usage(tool: CommandNode, { usage: line }: CommandNode): string[] {
  const rest = line.slice(tool.name.length).trim();
  return [`.B ${escaped(tool.name)}`, ...(rest === '' ? [] : [escaped(rest)])];
}

/** What may stand behind a command: its parameters and its options. */
function details(command: CommandNode, say: (text: Localized) => string): string[] {
  return [
    ...command.parameters.flatMap(({ name, description, choices }) =>
      item(`.I ${quoted(name)}`, withChoices(description, choices, say)),
    ),
    ...command.options.flatMap((option) =>
      item(
        termOf(option),
        [
          withChoices(option.description, option.choices, say),
          ...(option.standard === undefined ? [] : [`${say(words.standard)} ${option.standard}`]),
        ].join('\n'),
      ),
    ),
  ];
}

function termOf({ names, value }: OptionNode): string {
  const parts = names.flatMap((name, index) => [...(index === 0 ? [] : ['", "']), escaped(name)]);
  return `.BR ${parts.join(' ')}${value === undefined ? '' : ` ${quoted(` ${value}`)}`}`;
}

function withChoices(text: string, choices: readonly string[], say: (text: Localized) => string): string {
  return choices.length === 0 ? text : `${text}\n${say(words.oneOf)} ${choices.join(', ')}`;
}

function item(term: string, text: string): string[] {
  return ['.TP', term, ...paragraphs(text)];
}

/** Lines of a text, each on a line of its own. */
function paragraphs(text: string): string[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.flatMap((line, index) => [...(index === 0 ? [] : ['.br']), escaped(line.trim())]);
}

/** Text that roff shows as it is. */
export function escaped(text: string): string {
  const shown = text.replaceAll('\\', '\\e').replaceAll('-', '\\-');
  // At the start of a line these two make it a request.
  return /^[.']/.test(shown) ? `\\&${shown}` : shown;
}

/** One parameter of a macro. */
function quoted(text: string): string {
  return `"${escaped(text).replaceAll('"', '\\(dq')}"`;
}
