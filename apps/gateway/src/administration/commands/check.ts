import { describeFinding } from '@culvert/contracts';
import { formatTable } from '@culvert/terminal-text/table.ts';
import { loadConfiguration } from '../../configuration/load.ts';
import { explainConfiguration } from '../explain.ts';
import type { Terminal } from '../terminal.ts';

/** `gateway check`: validates a file and tells what it will do. Exit status 0 when it can be used. */
export async function check(file: string, options: { json?: boolean }, terminal: Terminal): Promise<number> {
  const { configuration, certificate, problems, warnings } = await loadConfiguration(file);
  const valid = configuration !== undefined;
  const effects = valid ? explainConfiguration(configuration, certificate, new Date()) : [];
  if (options.json === true) {
    terminal.print(
      JSON.stringify({ valid, problems, warnings, effects: Object.fromEntries(effects) }, null, 2),
    );
    return valid ? 0 : 1;
  }
  if (valid) {
    terminal.print(`${configuration.file} is valid.\n`);
    terminal.print(`${formatTable(['This gateway', ''], effects)}\n`);
  } else {
    terminal.print(`${file} cannot be used: ${counted(problems.length, 'problem')}.\n`);
    for (const problem of problems) terminal.print(`  problem  ${describeFinding(problem)}`);
  }
  for (const warning of warnings) terminal.print(`  warning  ${describeFinding(warning)}`);
  if (valid)
    terminal.print(warnings.length === 0 ? 'No warnings.' : `\n${counted(warnings.length, 'warning')}.`);
  return valid ? 0 : 1;
}

function counted(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
