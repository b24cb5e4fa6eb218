import type { Localized } from '../../program/language.ts';

/** One thing that a repair does. Each program is a list of words and needs no shell. */
export type Action =
  | Readonly<{ kind: 'write'; path: string; text: string }>
  /** `otherwise` is run when the first program fails. */
  | Readonly<{ kind: 'run'; command: readonly string[]; otherwise?: readonly string[] }>;

/** What one remedy of the prerequisites does to a host. */
export type Repair = Readonly<{ id: string; title: Localized; actions: readonly Action[] }>;

/** The lines that show an action before it is done. */
export function describeAction(action: Action): string[] {
  if (action.kind === 'write') {
    return [
      `${action.path}:`,
      ...action.text
        .trimEnd()
        .split('\n')
        .map((line) => `  | ${line}`),
    ];
  }
  const { command, otherwise } = action;
  return [`# ${command.join(' ')}${otherwise === undefined ? '' : ` || ${otherwise.join(' ')}`}`];
}
