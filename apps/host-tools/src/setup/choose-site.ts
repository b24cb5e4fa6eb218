import type { Site } from '@culvert/control-plane-client/sites.ts';
import { Failure } from '../program/failure.ts';
import type { ToolContext } from '../program/tool.ts';

/** The site that an answer means: its number in the list, or its id; undefined for anything else. */
export function siteOf(answer: string, sites: readonly Site[]): Site | undefined {
  if (/^\d{1,3}$/.test(answer)) return sites[Number(answer) - 1];
  return sites.find(({ id }) => id.toLowerCase() === answer.toLowerCase());
}

/** Lets a person choose a site of the list, unless it has been named. Throws a Failure when there is none, or none of that id. */
export async function chooseSite(
  { terminal, say }: ToolContext,
  sites: readonly Site[],
  named: string | undefined,
): Promise<Site> {
  if (sites.length === 0) {
    throw new Failure({
      en: 'There is no site that this account can see. Make one in the admin centre, and run this again.',
      ja: 'このアカウントで表示できるサイトがありません。管理センターで作成してから、もう一度実行してください。',
    });
  }
  if (named !== undefined) {
    const site = sites.find(({ id }) => id.toLowerCase() === named.toLowerCase());
    if (site !== undefined) return site;
    throw new Failure({
      en: `There is no site ${named}. There are: ${sites.map(({ id, displayName }) => `${id} (${displayName})`).join(', ')}`,
      ja: `サイト ${named} は存在しません。次のサイトがあります: ${sites.map(({ id, displayName }) => `${id} (${displayName})`).join('、')}`,
    });
  }
  for (const [index, { id, displayName, publicAddress }] of sites.entries())
    terminal.print(`  ${String(index + 1).padStart(3)}  ${displayName}  ${publicAddress}  ${id}`);
  for (;;) {
    const question = { en: 'Number or id of the site to join: ', ja: '参加するサイトの番号または ID: ' };
    const site = siteOf(await terminal.ask(say(question)), sites);
    if (site !== undefined) return site;
    terminal.complain(say({ en: 'That is none of them.', ja: '一覧にありません。' }));
  }
}
