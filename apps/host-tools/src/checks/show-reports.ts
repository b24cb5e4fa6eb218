import type { Language, Localized } from '../program/language.ts';
import type { Colour, Terminal } from '../program/terminal.ts';
import type { CheckReport, CheckResult } from './check.ts';

const marks: Record<CheckResult, { sign: string; colour: Colour; word: Localized }> = {
  ok: { sign: '✓', colour: 'green', word: { en: 'ok', ja: '正常' } },
  warning: { sign: '!', colour: 'yellow', word: { en: 'warning', ja: '警告' } },
  failed: { sign: '✗', colour: 'red', word: { en: 'failed', ja: '失敗' } },
  unknown: { sign: '?', colour: 'grey', word: { en: 'cannot tell', ja: '確認不可' } },
};

const words = {
  why: { en: 'Why', ja: '理由' },
  remedy: { en: 'To do', ja: '対処' },
} satisfies Record<string, Localized>;

/** The reports for a person: one line for what is well, and for the rest also why it matters and what to do. */
export function showReports(reports: readonly CheckReport[], language: Language, terminal: Terminal): void {
  for (const { result, title, found, why, remedy } of reports) {
    const { sign, colour, word } = marks[result];
    const head = `${sign} ${word[language]}`;
    terminal.print(
      `${terminal.paint(colour, head)}  ${terminal.paint('bold', title[language])}: ${found[language]}`,
    );
    if (result === 'ok') continue;
    terminal.print(`    ${words.why[language]}: ${why[language]}`);
    if (remedy === undefined) continue;
    const text = remedy.text?.[language] ?? '';
    if (text !== '' || remedy.commands.length > 0)
      terminal.print(`    ${words.remedy[language]}: ${text}`.trimEnd());
    for (const command of remedy.commands) terminal.print(`      ${command}`);
  }
  terminal.print(summary(reports, language));
}

function summary(reports: readonly CheckReport[], language: Language): string {
  const count = (wanted: CheckResult) => reports.filter(({ result }) => result === wanted).length;
  const parts = (['ok', 'warning', 'failed', 'unknown'] as const)
    .map((result) => ({ word: marks[result].word[language], number: count(result) }))
    .filter(({ number }) => number > 0)
    .map(({ word, number }) => (language === 'ja' ? `${word} ${number} 件` : `${number} ${word}`));
  return `\n${parts.join(language === 'ja' ? '、' : ', ')}`;
}

/** The reports for a program, with the texts in one language. */
export function reportsAsJson(reports: readonly CheckReport[], language: Language): string {
  const checks = reports.map(({ id, title, result, found, why, remedy, milliseconds }) => ({
    id,
    title: title[language],
    result,
    found: found[language],
    why: why[language],
    ...(remedy === undefined
      ? {}
      : {
          remedy: {
            ...(remedy.text === undefined ? {} : { text: remedy.text[language] }),
            commands: remedy.commands,
          },
        }),
    milliseconds,
  }));
  return JSON.stringify({ checks }, null, 2);
}
