import { Failure, WrongUse } from '../../program/failure.ts';
import type { Localized } from '../../program/language.ts';
import type { ToolContext } from '../../program/tool.ts';
import type { HostView } from '../host/host-view.ts';
import { type Action, describeAction, type Repair } from './repair.ts';
import { writeWithBackup } from './write-file.ts';

const words = {
  question: { en: 'Do this? [y/N] ', ja: '実行しますか? [y/N] ' },
  nothing: { en: 'There is nothing that --fix can repair.', ja: '--fix で修復できるものはありません。' },
  skipped: { en: 'Left as it is.', ja: '変更せずに続行します。' },
  done: { en: 'Done.', ja: '完了しました。' },
} satisfies Record<string, Localized>;

/** Where and how repairs are applied. */
export type RepairSite = Readonly<{
  view: HostView;
  root: string;
  /** True when nobody is to be asked. */
  isAgreed: boolean;
  now: () => Date;
}>;

/** Throws when repairs could not be carried through as asked, before anything is looked at. */
export function refuseImpossibleRepairs({ terminal }: ToolContext, { view, isAgreed }: RepairSite): void {
  if (!isAgreed && !terminal.isInteractive) {
    throw new WrongUse({
      en: '--fix asks before each change, and nobody can answer here. Run it in a terminal, or add --yes.',
      ja: '--fix は変更ごとに確認しますが、ここでは応答できません。ターミナルで実行するか、--yes を付けてください。',
    });
  }
  if (view.isRunning && !view.isRoot) {
    throw new Failure({
      en: '--fix changes files of the system and needs root. Run it with sudo.',
      ja: '--fix はシステムのファイルを変更するため、root 権限が必要です。sudo を付けて実行してください。',
    });
  }
}

/** Shows each repair, asks, and applies it. A repair that does not succeed is told and does not keep back the others; resolves to whether all did. */
export async function applyRepairs(
  context: ToolContext,
  repairs: readonly Repair[],
  site: RepairSite,
): Promise<boolean> {
  const { terminal, say } = context;
  if (repairs.length === 0) terminal.complain(say(words.nothing));
  let allDone = true;
  for (const { title, actions } of repairs) {
    terminal.complain(`\n${say(title)}`);
    for (const line of actions.flatMap(describeAction)) terminal.complain(`  ${line}`);
    if (!site.isAgreed && !isYes(await terminal.ask(say(words.question)))) {
      terminal.complain(say(words.skipped));
      continue;
    }
    const problem = await carryOut(actions, site);
    if (problem === undefined) terminal.complain(say(words.done));
    else {
      terminal.complain(say(problem));
      allDone = false;
    }
  }
  return allDone;
}

function isYes(answer: string): boolean {
  return /^(y|yes|はい)$/i.test(answer);
}

async function carryOut(actions: readonly Action[], site: RepairSite): Promise<Localized | undefined> {
  for (const action of actions) {
    const problem = action.kind === 'write' ? await write(action, site) : await run(action, site);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

async function write(
  { path, text }: Extract<Action, { kind: 'write' }>,
  { root, now }: RepairSite,
): Promise<Localized | undefined> {
  try {
    await writeWithBackup(root, path, text, now());
    return undefined;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return {
      en: `${path} could not be written: ${reason}`,
      ja: `${path} を書き込めませんでした: ${reason}`,
    };
  }
}

async function run(
  { command, otherwise }: Extract<Action, { kind: 'run' }>,
  { view }: RepairSite,
): Promise<Localized | undefined> {
  let outcome = await runWords(view, command);
  if (outcome !== undefined && otherwise !== undefined) outcome = await runWords(view, otherwise);
  if (outcome === undefined) return undefined;
  const line = (otherwise ?? command).join(' ');
  return { en: `"${line}" failed: ${outcome}`, ja: `「${line}」が失敗しました: ${outcome}` };
}

/** The words of a failure, or undefined after success. */
async function runWords(
  view: HostView,
  [program = '', ...parameters]: readonly string[],
): Promise<string | undefined> {
  const output = await view.run(program, ...parameters);
  if (output === undefined) return 'command not found';
  return output.exitCode === 0 ? undefined : output.stderr.trim() || `exit status ${output.exitCode}`;
}
