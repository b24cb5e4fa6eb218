import { displayWidth, printable } from '@culvert/terminal-text/table.ts';
import { exitStatus } from '../program/exit-status.ts';
import type { Localized } from '../program/language.ts';
import type { Terminal } from '../program/terminal.ts';

/** What was asked for, for programs. */
export function printJson(value: unknown, terminal: Terminal): number {
  terminal.print(JSON.stringify(value, null, 2));
  return exitStatus.good;
}

/** One fact of a thing: its name and its value. */
export type Fact = readonly [Localized, string];

/** Facts below each other, values aligned; a fact without value is left out. */
export function printFacts(
  facts: readonly Fact[],
  { terminal, say }: { terminal: Terminal; say(text: Localized): string },
): void {
  const shown = facts.filter(([, value]) => value !== '').map(([name, value]) => [say(name), value] as const);
  const width = Math.max(0, ...shown.map(([name]) => displayWidth(name)));
  for (const [name, value] of shown) {
    terminal.print(`${name}:${' '.repeat(width - displayWidth(name) + 1)}${printable(value)}`);
  }
}
