import { execFileSync } from 'node:child_process';
import { Argument, Command, Option } from 'commander';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { commandTree } from './command-tree.ts';
import { completionScript, shells, singleQuoted } from './completion.ts';

function tool(): Command {
  const program = new Command('mst-cli')
    .description("What the server's administrator uses")
    .option('--json', 'JSON');
  const server = program.command('server').description('the server');
  server
    .command('logs')
    .description('logs: "all" of them')
    .option('-t, --tail <number>', 'only the last lines')
    .addOption(new Option('--level <level>', 'from this level on').choices(['error', 'info']))
    .addOption(new Option('--secret').hideHelp());
  server.command('show').addArgument(new Argument('<what>').choices(['status', 'sessions']));
  program.command('start');
  program.command('secret', { hidden: true });
  return program;
}

const scriptOf = (shell: (typeof shells)[number]) => completionScript(shell, commandTree(tool()));

/** What bash offers for the last of these words. */
function complete(...words: string[]): string[] {
  const script = `${scriptOf('bash')}
COMP_WORDS=(${words.map(singleQuoted).join(' ')})
COMP_CWORD=${words.length - 1}
$(complete -p mst-cli | sed 's/.*-F \\([^ ]*\\) .*/\\1/')
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const output = execFileSync('bash', ['--norc', '--noprofile', '-u'], { input: script, encoding: 'utf8' });
  return output.split('\n').filter(Boolean);
}

test('bash completes commands, also below others', () => {
  expect(complete('mst-cli', 's')).toEqual(['server', 'start']);
  expect(complete('mst-cli', 'server', '')).toEqual(['logs', 'show', 'help', '-h', '--help']);
  expect(complete('mst-cli', 'server', 'l')).toEqual(['logs']);
});

test('bash completes options, also behind other options and their values', () => {
  expect(complete('mst-cli', 'server', 'logs', '--')).toEqual(['--tail', '--level', '--help']);
  expect(complete('mst-cli', '--json', 'server', 'logs', '-t', '50', '--l')).toEqual(['--level']);
});

test('bash completes the choices of options and parameters', () => {
  expect(complete('mst-cli', 'server', 'logs', '--level', '')).toEqual(['error', 'info']);
  expect(complete('mst-cli', 'server', 'show', 's')).toEqual(['status', 'sessions']);
});

test('where any value may stand bash is told nothing, so that it offers names of files', () => {
  expect(complete('mst-cli', 'server', 'logs', '--tail', '')).toEqual([]);
  expect(complete('mst-cli', 'unknown', 'x')).toEqual([]);
});

test('nothing that is hidden is in it', () => {
  for (const shell of shells) expect(scriptOf(shell)).not.toMatch(/secret/);
});

test('a word between quotes reaches the shell as it is', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0'))), (words) => {
      const script = `printf '%s\\0' ${words.map(singleQuoted).join(' ')}`;
      const output = execFileSync('bash', ['--norc', '--noprofile'], { input: script, encoding: 'utf8' });
      expect(words.length === 0 ? [] : output.split('\0').slice(0, -1)).toEqual(words);
    }),
    { numRuns: 50 },
  );
});
