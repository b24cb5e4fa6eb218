import { productVersion } from '@culvert/release/product-version.ts';
import { Command } from 'commander';
import { chooseEngine, readOsRelease } from '../container-engine/choose-engine.ts';
import { findAccount } from '../container-host/server.ts';
import { readVariables } from '../container-host/server-files.ts';
import { hostLayout } from '../host-layout/host-layout.ts';
import type { Tool, ToolContext } from '../program/tool.ts';
import { type GivenOptions, setupOptions } from './options.ts';
import { requireRoot, runSetup } from './run-setup.ts';
import type { SetupRun } from './setup-run.ts';

/** `mstunnel-setup`: installs the product on this server. */
export const setupTool: Tool = {
  name: 'mstunnel-setup',
  describe(context: ToolContext): Command {
    const { say, keep } = context;
    return new Command()
      .description(
        say({
          en: 'Installs the tunnel gateway on this server; goes on where it stopped',
          ja: 'このサーバーにトンネル ゲートウェイをインストールします。中断した場合は続きから再開します',
        }),
      )
      .option('--accept-licence', say({ en: 'accept the licence', ja: 'ライセンスに同意します' }))
      .option(
        '--join-token <word>',
        say({
          en: 'join with this token, or - to read it from standard input',
          ja: 'このトークンで参加します (- を指定すると標準入力から読み取ります)',
        }),
      )
      .option(
        '--join-token-file <file>',
        say({ en: 'join with the token in a file', ja: 'ファイル内のトークンで参加します' }),
      )
      .option(
        '--control-plane <url>',
        say({
          en: 'address of the control plane, to join by signing in',
          ja: 'サインインして参加するコントロール プレーンのアドレス',
        }),
      )
      .option(
        '--authority-file <file>',
        say({
          en: 'PEM of the authority of that address, where it is no public one',
          ja: 'そのアドレスの証明機関が公的なものでない場合の PEM ファイル',
        }),
      )
      .option('--site <id>', say({ en: 'the site to join', ja: '参加するサイト' }))
      .option(
        '--registry <place>',
        say({
          en: 'registry of the images: HOST[:PORT][/PATH]',
          ja: 'イメージのレジストリ: ホスト[:ポート][/パス]',
        }),
      )
      .option(
        '--images <file>',
        say({ en: 'archive of the images, for closed networks', ja: 'イメージのアーカイブ (閉域網向け)' }),
      )
      .option(
        '--pfx-password-file <file>',
        say({ en: 'file with the password of site.pfx', ja: 'site.pfx のパスワードを保存したファイル' }),
      )
      .addHelpText('after', `\n${say(environmentHelp)}`)
      .action((given: GivenOptions) => keep(install(context, given)));
  },
};

async function install(context: ToolContext, given: GivenOptions): Promise<number> {
  const options = setupOptions(given, context.environment);
  requireRoot();
  return runSetup(setupRun(context, options));
}

/** An installation on this host. */
export function setupRun(context: ToolContext, options: SetupRun['options']): SetupRun {
  const layout = hostLayout();
  return {
    ...context,
    layout,
    options,
    version: productVersion(),
    now: () => new Date(),
    account: findAccount,
    engine: async () => {
      const variables = new Map(readVariables(layout));
      // Before the settings are written, the environment says it.
      if (options.isRootless) variables.set('mst_rootless_mode', '1');
      const account = await findAccount();
      return chooseEngine({ variables, osRelease: readOsRelease(), userId: account?.userId });
    },
  };
}

const environmentHelp = {
  en: `Environment:
  mst_no_prompt=1            ask nothing; say which option is missing
  mst_rootless_mode=1        Podman without root
  mst_log_verbose=1          verbose logs of gateway and agent
  mst_pfx_password_file=FILE as --pfx-password-file`,
  ja: `環境変数:
  mst_no_prompt=1            質問しません。不足しているオプションがあれば通知します
  mst_rootless_mode=1        root 権限なしの Podman を使用します
  mst_log_verbose=1          ゲートウェイとエージェントの詳細なログを記録します
  mst_pfx_password_file=FILE --pfx-password-file と同じです`,
};
