import type { Violation } from '@culvert/certificates/rules/violation.ts';
import type { ToolContext } from '../program/tool.ts';

const marks = { error: ['red', '✗'], warning: ['yellow', '!'], note: ['grey', '·'] } as const;

/** Tells what is wrong with a certificate, and what to do. */
export function showViolations({ terminal, say }: ToolContext, violations: readonly Violation[]): void {
  for (const { severity, text, remedy } of violations) {
    const [colour, mark] = marks[severity];
    terminal.complain(`  ${terminal.paint(colour, mark)} ${say(text)}`);
    if (remedy !== undefined) terminal.complain(`    → ${say(remedy)}`);
  }
}
