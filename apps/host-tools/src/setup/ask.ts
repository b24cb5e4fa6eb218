import { Failure } from '../program/failure.ts';
import type { Localized } from '../program/language.ts';
import type { ToolContext } from '../program/tool.ts';

const yes = /^(y|yes|はい)$/i;
const no = /^(n|no|いいえ)$/i;
const again: Localized = {
  en: 'Please type yes or no.',
  ja: 'yes (はい) または no (いいえ) を入力してください。',
};

/** Asks until the answer is yes or no. */
export async function askYesOrNo({ terminal, say }: ToolContext, question: Localized): Promise<boolean> {
  for (;;) {
    const answer = await terminal.ask(`${say(question)} `);
    if (yes.test(answer)) return true;
    if (no.test(answer)) return false;
    terminal.print(say(again));
  }
}

/** What is missing when nobody may be asked: `wanted` says which option or file does without the question. */
export function nobodyToAsk(wanted: Localized): Failure {
  return new Failure({
    en: `mst_no_prompt is set, so nothing is asked, and ${wanted.en}.`,
    ja: `mst_no_prompt が設定されているため質問は行いません。${wanted.ja}。`,
  });
}
