import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { readVariables } from '../../container-host/server-files.ts';
import { setVariables } from '../../host-layout/environment-file.ts';
import type { HostLayout } from '../../host-layout/host-layout.ts';
import { readSharedFile, writeSharedFile } from '../../host-layout/shared-file.ts';
import { readIfThere, writeDurably } from '../../monitor/durable-file.ts';
import { Failure } from '../../program/failure.ts';
import { askYesOrNo } from '../ask.ts';
import { readHostProxy } from '../host-proxy.ts';
import type { SetupOptions } from '../options.ts';
import type { Step } from '../setup-run.ts';

/** What the file begins with. */
const header = `# Settings of the tunnel gateway of this server: NAME=VALUE, one a line, without quotes.
# このサーバーのトンネル ゲートウェイの設定: 名前=値 を 1 行に 1 つ、引用符なしで記述します。
# "mst-cli install" brings changes into use. / 変更は "mst-cli install" で反映されます。
#
# https_proxy=http://proxy.example.com:3128
# no_proxy=localhost,.corp.example.com
# mst_image_registry=registry.example.com/culvert
# mst_container_engine=podman
# mst_log_verbose=1
`;

/** `env.sh`, as the administrator has seen it. */
export const settingsStep: Step = {
  name: 'settings',
  title: { en: 'Settings', ja: '設定' },
  isDone: async ({ layout, options }) => {
    readVariables(layout);
    const text = readSharedFile(layout.environmentFile, { isOfRoot: true });
    return (
      text !== undefined && withOptions(text, options) === text && reviewedDigest(layout) === digestOf(text)
    );
  },
  carryOut: async (run) => {
    const { layout, options, terminal } = run;
    const before = readSharedFile(layout.environmentFile, { isOfRoot: true });
    const text = withOptions(before ?? setVariables(header, readHostProxy()), options);
    if (text !== before) writeSharedFile(layout.environmentFile, text, 0o640);
    terminal.print(`  ${layout.environmentFile}`);
    terminal.print(indent(text));
    if (!options.isUnattended && !(await askYesOrNo(run, question))) {
      throw new Failure({
        en: `Stopped, so that you can edit ${layout.environmentFile}. Run mstunnel-setup again afterwards.`,
        ja: `${layout.environmentFile} を編集できるように中断しました。編集後に mstunnel-setup をもう一度実行してください。`,
      });
    }
    // As it is now: it may have been edited while the question stood.
    readVariables(layout);
    writeDurably(reviewFile(layout), digestOf(readSharedFile(layout.environmentFile) ?? ''));
  },
};

const question = {
  en: 'Are these settings right? Type yes to go on, no to stop and edit the file:',
  ja: 'この設定でよろしいですか? 続けるには yes (はい)、中断してファイルを編集するには no (いいえ) を入力してください:',
};

/** What the command line and the environment of the installation say stays in the file, for the monitor and later runs. */
function withOptions(text: string, { registry, isRootless, isVerbose }: SetupOptions): string {
  return setVariables(text, {
    ...(registry === undefined ? {} : { mst_image_registry: registry }),
    ...(isRootless ? { mst_rootless_mode: '1' } : {}),
    ...(isVerbose ? { mst_log_verbose: '1' } : {}),
  });
}

function indent(text: string): string {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => `  │ ${line}`)
    .join('\n');
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function reviewFile({ monitor }: HostLayout): string {
  return join(monitor.stateDirectory, 'reviewed-settings');
}

function reviewedDigest(layout: HostLayout): string | undefined {
  return readIfThere(reviewFile(layout));
}
