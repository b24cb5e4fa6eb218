import type { CommanderError } from 'commander';
import type { Language, Localized } from './language.ts';

/** What every tool says. */
export const frameWords = {
  version: { en: 'print the version', ja: 'バージョンを表示します' },
  help: { en: 'show help', ja: 'ヘルプを表示します' },
  language: {
    en: 'language of the output, en or ja (otherwise that of LC_ALL, LC_MESSAGES, LANG)',
    ja: '出力の言語: en または ja (指定がなければ LC_ALL、LC_MESSAGES、LANG に従います)',
  },
  json: { en: 'print JSON for programs', ja: 'プログラム向けに JSON で出力します' },
  unknownLanguage: {
    en: '--lang: expected en or ja',
    ja: '--lang: en または ja を指定してください',
  },
  interrupted: {
    en: 'Stopped. What was done so far stays; run the same command again to go on.',
    ja: '中断しました。ここまでの内容は残っています。続けるには同じコマンドをもう一度実行してください。',
  },
  noAnswer: {
    en: 'There is no answer to the question on standard input. Run this in a terminal, or see --help for how to run it unattended.',
    ja: '質問への答えが標準入力にありません。ターミナルで実行するか、無人実行の方法を --help で確認してください。',
  },
} satisfies Record<string, Localized>;

const titles: Record<string, string> = {
  'Usage:': '使い方:',
  'Arguments:': '引数:',
  'Options:': 'オプション:',
  'Global Options:': '共通オプション:',
  'Commands:': 'コマンド:',
};

/** A title of the help in a language. */
export function translateTitle(title: string, language: Language): string {
  return language === 'ja' ? (titles[title] ?? title) : title;
}

/** Japanese sentences for what Commander finds wrong; `named` is what it names between quotes. */
const complaints: Record<string, (named: string) => string> = {
  'commander.unknownOption': (named) => `不明なオプションです: ${named}`,
  'commander.unknownCommand': (named) => `不明なコマンドです: ${named}`,
  'commander.missingArgument': (named) => `引数 ${named} がありません`,
  'commander.optionMissingArgument': (named) => `オプション ${named} に値がありません`,
  'commander.missingMandatoryOptionValue': (named) => `オプション ${named} は必須です`,
  'commander.excessArguments': () => '引数が多すぎます',
  'commander.conflictingOption': (named) => `${named} は、ほかのオプションと同時に指定できません`,
};

/** What is wrong with a command line, and where help is. */
export function explainWrongUse({ code, message }: CommanderError, language: Language): string {
  if (language === 'en') return `${message}\nSee --help.`;
  const named = /'([^']*)'/.exec(message)?.[1] ?? '';
  const sentence = complaints[code]?.(named) ?? message.replace(/^error: /, '');
  return `エラー: ${sentence}\n使い方は --help で確認できます。`;
}
