import { spawn } from 'node:child_process';
import type { ToolContext } from '../program/tool.ts';

/** Shows a text page by page where somebody sits at a terminal with a pager, and prints it elsewhere. */
export async function showLongText({ terminal, environment }: ToolContext, text: string): Promise<void> {
  const pager = environment.PAGER ?? 'less';
  if (!terminal.isInteractive || pager === '' || !(await page(pager, text))) terminal.print(text);
}

/** False when there is no such program. */
function page(pager: string, text: string): Promise<boolean> {
  return new Promise((resolve) => {
    // -F ends at once when the text fits; -X leaves it on the screen.
    const child = spawn(pager, [], {
      stdio: ['pipe', 'inherit', 'inherit'],
      env: { ...process.env, LESS: '-FRX' },
    });
    child.once('error', () => resolve(false));
    child.once('close', () => resolve(true));
    // Whoever has read enough ends the pager before it has taken everything.
    child.stdin.on('error', () => {});
    child.stdin.end(text);
  });
}
