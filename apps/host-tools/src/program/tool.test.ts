import { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { Failure } from './failure.ts';
import { languageOf } from './language.ts';
import { Interrupted } from './terminal.ts';
import { RecordedTerminal } from './testing.ts';
import { chooseLanguage, runTool, type Tool } from './tool.ts';

const tool: Tool = {
  name: 'mst-cli',
  describe({ keep, say }) {
    const program = new Command().description(say({ en: 'A tool', ja: 'ツール' }));
    program
      .command('fail <how>')
      .description(say({ en: 'fail', ja: '失敗します' }))
      .action((how: string) =>
        keep(
          how === 'interrupt'
            ? Promise.reject(new Interrupted())
            : Promise.reject(new Failure({ en: `no ${how}`, ja: `${how} がありません` })),
        ),
      );
    program.command('three').action(() => keep(Promise.resolve(3)));
    return program;
  },
};

async function run(words: string[], environment: NodeJS.ProcessEnv = {}) {
  const terminal = new RecordedTerminal();
  const status = await runTool(tool, words, terminal, environment);
  return { status, printed: terminal.printed, complained: terminal.complained };
}

describe('a tool', () => {
  test('ends with what its command resolves to', async () => {
    expect(await run(['three'])).toEqual({ status: 3, printed: '', complained: '' });
  });

  test('tells a failure in the language of the environment, or of --lang, and ends with 1', async () => {
    expect(await run(['fail', 'disk'])).toMatchObject({ status: 1, complained: 'no disk\n' });
    expect(await run(['fail', 'disk'], { LANG: 'ja_JP.UTF-8' })).toMatchObject({
      complained: 'disk がありません\n',
    });
    expect(await run(['fail', '--lang', 'ja', 'disk'])).toMatchObject({ complained: 'disk がありません\n' });
  });

  test('answers wrong use with the status 2 and a sentence in the language', async () => {
    expect(await run(['nothing'])).toMatchObject({ status: 2 });
    expect(await run(['three', '--odd'])).toMatchObject({
      status: 2,
      complained: "error: unknown option '--odd'\nSee --help.\n",
    });
    expect((await run(['--lang=ja', 'three', '--odd'])).complained).toBe(
      'エラー: 不明なオプションです: --odd\n使い方は --help で確認できます。\n',
    );
    expect(await run(['--lang', 'fr', 'three'])).toMatchObject({
      status: 2,
      complained: '--lang: expected en or ja\n',
    });
  });

  test('shows help in the language and ends with 0', async () => {
    const { status, printed } = await run(['--help', '--lang', 'ja']);
    expect(status).toBe(0);
    expect(printed).toContain('使い方: mst-cli');
    expect(printed).toContain('コマンド:');
  });

  test('says after Ctrl-C how to go on', async () => {
    expect(await run(['fail', 'interrupt'])).toMatchObject({ status: 130 });
  });
});

test('the language is that of the locale, and English for every other one', () => {
  expect(languageOf({ LANG: 'ja_JP.UTF-8' })).toBe('ja');
  expect(languageOf({ LANG: 'ja' })).toBe('ja');
  expect(languageOf({ LANG: 'ja_JP.UTF-8', LC_ALL: 'C' })).toBe('en');
  expect(languageOf({ LANG: 'jam_JM' })).toBe('en');
  expect(languageOf({})).toBe('en');
});

test('--lang is not looked for behind --', () => {
  expect(chooseLanguage(['run', '--', '--lang', 'ja'], {})).toEqual({
    language: 'en',
    rest: ['run', '--', '--lang', 'ja'],
  });
});
