import type { Command } from 'commander';
import { WrongUse } from '../../program/failure.ts';
import type { ToolContext } from '../../program/tool.ts';
import type { HostView } from '../host/host-view.ts';
import { applyRepairs, type RepairSite, refuseImpossibleRepairs } from './apply-repairs.ts';
import { planRepairs, repairFactsOf } from './plan-repairs.ts';

/** The options of a command that can repair. */
export interface RepairOptions {
  fix?: true;
  yes?: true;
}

export function withRepairOptions(command: Command, { say }: ToolContext): Command {
  return command
    .option(
      '--fix',
      say({
        en: 'repair what can be repaired on this host; asks before each change',
        ja: 'サーバー上で修復できるものを修復します (変更ごとに確認します)',
      }),
    )
    .option('--yes', say({ en: 'with --fix: do not ask', ja: '--fix で確認を省略します' }));
}

/**
 * Where repairs are to be applied, or undefined when they are not asked for. Throws WrongUse or Failure when they could not be
 * carried through.
 */
export function repairSiteOf(
  context: ToolContext,
  { fix, yes }: RepairOptions,
  view: HostView,
  root: string,
): RepairSite | undefined {
  if (fix !== true) {
    if (yes !== true) return undefined;
    throw new WrongUse({
      en: '--yes has no meaning without --fix',
      ja: '--yes は --fix と一緒に指定してください',
    });
  }
  const site = { view, root, isAgreed: yes === true, now: () => new Date() };
  refuseImpossibleRepairs(context, site);
  return site;
}

/** Finds what can be repaired and repairs it; resolves to whether there was something, and whether all of it was done. */
export async function repairHost(
  context: ToolContext,
  site: RepairSite,
): Promise<{ hadRepairs: boolean; allDone: boolean }> {
  const repairs = planRepairs(await repairFactsOf(site.view, context.environment));
  return { hadRepairs: repairs.length > 0, allDone: await applyRepairs(context, repairs, site) };
}
