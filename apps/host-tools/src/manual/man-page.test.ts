import { Command } from 'commander';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { commandTree } from './command-tree.ts';
import { escaped, manPage } from './man-page.ts';

function page(language: 'en' | 'ja'): string {
  const program = new Command('mst-cli').description(".dot at the start\n'and a quote, and a \\ backslash");
  program.option('-t, --tail <number>', 'only the last lines', '50');
  const server = program.command('server').description('the server');
  server.command('logs').argument('<what>', 'which of them').description('shows logs');
  program.command('secret', { hidden: true });
  return manPage(commandTree(program), {
    language,
    version: '1.2.3',
    others: ['mst-readiness', 'mstunnel-setup'],
  });
}

test('a page names the tool, each command with its parameters, and each option with its default', () => {
  const lines = page('en').split('\n');
  expect(lines[1]).toBe('.TH "MST\\-CLI" "8" "" "Culvert 1.2.3" "System administration"');
  const shown = page('en');
  expect(shown).toContain(
    '.TP\n.BR \\-t ", " \\-\\-tail " <number>"\nonly the last lines\n.br\nDefault: 50\n',
  );
  expect(shown).toContain(
    '.SS "server logs"\n.B mst\\-cli\nserver logs [options] <what>\n.PP\nshows logs\n.TP\n.I "what"\nwhich of them\n',
  );
  expect(shown).toContain('.BR mst\\-readiness (8) ,\n.BR mstunnel\\-setup (8)\n');
  expect(shown).not.toMatch(/secret|help \[command\]/);
});

test('every request is one that man(7) has, whatever the texts are', () => {
  const requests = new Set(page('en').match(/^[.'][^ \n]*/gm));
  expect([...requests].sort()).toEqual([
    '.B',
    '.BR',
    '.I',
    '.PP',
    '.SH',
    '.SS',
    '.TH',
    '.TP',
    '.\\"',
    '.ad',
    '.br',
  ]);
});

test('a page in Japanese has Japanese headings', () => {
  expect(page('ja').match(/^\.SH .*/gm)).toEqual([
    '.SH "名前"',
    '.SH "書式"',
    '.SH "説明"',
    '.SH "オプション"',
    '.SH "コマンド"',
    '.SH "終了ステータス"',
    '.SH "環境変数"',
    '.SH "関連項目"',
  ]);
});

test('text between requests stays what it was', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const shown = escaped(text);
      expect(shown).not.toMatch(/^[.']/);
      expect(shown.replace(/^\\&/, '').replaceAll('\\-', '-').replaceAll('\\e', '\\')).toBe(text);
    }),
  );
});
