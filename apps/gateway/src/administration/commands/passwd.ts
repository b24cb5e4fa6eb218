import { deleteAccount, setPassword, shortestPassword } from '../../passwords/edit-accounts.ts';
import { CommandFailure } from '../client.ts';
import type { Terminal } from '../terminal.ts';

/** `gateway passwd`: adds an account, changes its password or deletes it. */
export async function passwd(
  name: string,
  options: { file: string; delete?: boolean },
  terminal: Terminal,
): Promise<number> {
  const result =
    options.delete === true
      ? await deleteAccount(options.file, name)
      : await setPassword(options.file, name, await askPassword(name, terminal));
  if (!result.ok) throw new CommandFailure(result.message);
  terminal.print(`${name}: ${result.change} in ${options.file}`);
  return 0;
}

async function askPassword(name: string, terminal: Terminal): Promise<string> {
  if (!terminal.interactive) return terminal.readSecret('');
  const first = await terminal.readSecret(`Password for ${name} (at least ${shortestPassword} characters): `);
  const second = await terminal.readSecret('The same again: ');
  if (first !== second) throw new CommandFailure('the two passwords differ; nothing was changed');
  return first;
}
