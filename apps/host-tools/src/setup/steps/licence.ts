import { existsSync } from 'node:fs';
import { writeSharedFile } from '../../host-layout/shared-file.ts';
import { Failure } from '../../program/failure.ts';
import { askYesOrNo, nobodyToAsk } from '../ask.ts';
import { licenceText } from '../licence-text.ts';
import type { SetupRun, Step } from '../setup-run.ts';
import { showLongText } from '../show-long-text.ts';

/** The terms of the product, which stay accepted. */
export const licenceStep: Step = {
  name: 'licence',
  title: { en: 'Licence', ja: 'ライセンス' },
  isDone: async ({ layout }) => existsSync(layout.licenceAccepted),
  carryOut: async (run) => {
    await requireAcceptance(run);
    const { layout, now } = run;
    writeSharedFile(layout.licenceAccepted, `${now().toISOString()}\n`, 0o644);
  },
};

async function requireAcceptance(run: SetupRun): Promise<void> {
  const { options, language, layout } = run;
  if (options.acceptLicence === true) return;
  if (options.isUnattended) {
    throw nobodyToAsk({
      en: `the licence has to be accepted: read it with "mst-cli eula", then add --accept-licence or make the file ${layout.licenceAccepted}`,
      ja: `ライセンスへの同意が必要です。mst-cli eula で内容を確認し、--accept-licence を付けるか、${layout.licenceAccepted} を作成してください`,
    });
  }
  await showLongText(run, licenceText(language));
  if (await askYesOrNo(run, words.question)) return;
  throw new Failure(words.refused);
}

const words = {
  question: {
    en: 'Do you accept the licence? Type yes or no:',
    ja: 'ライセンスに同意しますか? yes (はい) または no (いいえ) を入力してください:',
  },
  refused: {
    en: 'Without the licence nothing is installed. Nothing was changed but the account and its empty directories; "mst-cli uninstall" removes them.',
    ja: 'ライセンスに同意しない場合はインストールできません。変更されたのはアカウントと空のディレクトリだけです。mst-cli uninstall で削除できます。',
  },
};
