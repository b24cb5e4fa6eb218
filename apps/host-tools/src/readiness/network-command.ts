import { readFile } from 'node:fs/promises';
import { Command, Option } from 'commander';
import type { CheckReport } from '../checks/check.ts';
import { hasFailed } from '../checks/run-checks.ts';
import { reportsAsJson, showReports } from '../checks/show-reports.ts';
import { exitStatus } from '../program/exit-status.ts';
import { WrongUse } from '../program/failure.ts';
import type { ToolContext } from '../program/tool.ts';
import { frameWords } from '../program/words.ts';
import { parseAssignments } from './host/parse/os-release.ts';
import { checkTargets } from './network/check-network.ts';
import { collectTargets, type ProductQuestion } from './network/collect-targets.ts';
import { intuneTargets } from './network/endpoints/intune.ts';
import { proxySettingsOf } from './network/host-proxy.ts';
import { controlPlaneAddress, readNamed, readNamedIfGiven } from './options.ts';
import { type ServerFiles, serverFiles } from './server-files.ts';

/** What says where the control plane is; shared by the commands that speak to it. */
export interface ControlPlaneOptions {
  controlPlane?: string;
  authorityFile?: string;
  joinToken?: string;
  tokenFile?: string;
  proxy?: string;
  directory?: string;
}

export interface NetworkOptions extends ControlPlaneOptions {
  profile: 'culvert' | 'intune';
  certificate?: string;
  json?: true;
}

/** Adds the options that say where the control plane is. */
export function withControlPlaneOptions(command: Command, { say, terminal }: ToolContext): Command {
  return command
    .hook('preAction', async (called) => {
      // Words of a command line can be seen by everybody on the host.
      if (called.getOptionValue('joinToken') === '-')
        called.setOptionValue('joinToken', (await terminal.readInput()).trim());
    })
    .option(
      '--control-plane <url>',
      say({ en: 'address of the control plane', ja: 'コントロール プレーンのアドレス' }),
      controlPlaneAddress,
    )
    .option(
      '--authority-file <file>',
      say({
        en: 'certificate of the authority of the control plane (PEM), if it is not a public one',
        ja: 'コントロール プレーンの認証局の証明書 (PEM)。パブリックな認証局以外の場合に指定します',
      }),
    )
    .option(
      '--join-token <token>',
      say({
        en: 'a join token, or - to read it from standard input; it is not used up',
        ja: '参加トークン。- を指定すると標準入力から読み取ります (使用済みにはなりません)',
      }),
    )
    .option(
      '--token-file <file>',
      say({
        en: 'file with an API token of the control plane',
        ja: 'コントロール プレーンの API トークンのファイル',
      }),
    )
    .option(
      '--proxy <url>',
      say({
        en: 'HTTP proxy to use instead of the one that is set on this server',
        ja: 'サーバーの設定の代わりに使用する HTTP プロキシ',
      }),
    )
    .option(
      '--directory <directory>',
      say({
        en: 'directory of the server, where it is not /etc/mstunnel',
        ja: 'サーバーのディレクトリ (/etc/mstunnel 以外の場合に指定します)',
      }),
    );
}

/** `mst-readiness network`: everything that a server must get through to. */
export function networkCommand(context: ToolContext): Command {
  const { say } = context;
  const command = new Command('network').description(
    say({
      en: 'checks every endpoint that a server connects to, through the proxy when one is set',
      ja: 'サーバーの接続先となるすべてのエンドポイントを確認します (プロキシの設定がある場合はプロキシ経由)',
    }),
  );
  return withControlPlaneOptions(command, context)
    .option(
      '--certificate <file>',
      say({
        en: 'certificate of the server (PEM), whose revocation addresses are checked too',
        ja: 'サーバー証明書 (PEM)。失効確認先も確認します',
      }),
    )
    .addOption(
      new Option(
        '--profile <name>',
        say({
          en: 'endpoints to check: those of this product, or those of Microsoft Tunnel',
          ja: '確認するエンドポイント: この製品のもの、または Microsoft Tunnel のもの',
        }),
      )
        .choices(['culvert', 'intune'])
        .default('culvert'),
    )
    .option('--json', say(frameWords.json))
    .action((options: NetworkOptions) => context.keep(runNetwork(context, options)));
}

async function runNetwork(context: ToolContext, options: NetworkOptions): Promise<number> {
  const progress = context.terminal.progress(
    context.say({ en: 'Checking the network', ja: 'ネットワークを確認しています' }),
  );
  const reports = await networkReports(context, options).finally(() => progress.end());
  return tellReports(context, reports, options.json === true);
}

/** Prints reports; resolves to the status that they end with. */
export async function tellReports(
  { language, terminal }: ToolContext,
  reports: readonly CheckReport[],
  isJson: boolean,
): Promise<number> {
  if (isJson) terminal.print(reportsAsJson(reports, language));
  else showReports(reports, language, terminal);
  return hasFailed(reports) ? exitStatus.failed : exitStatus.good;
}

/** Runs the checks of the network. Throws WrongUse when nothing says what to check. */
export async function networkReports(
  { environment }: ToolContext,
  options: NetworkOptions,
): Promise<CheckReport[]> {
  const settings = await proxySettingsOf(options.proxy, environment);
  if (options.profile === 'intune') return checkTargets(intuneTargets(), settings);
  const files = serverFiles(options.directory);
  const question = await questionOf(options, files);
  const { targets, troubles } = await collectTargets(question, files, settings);
  if (targets.length === 0) throw nothingToCheck();
  return [...troubles, ...(await checkTargets(targets, settings))];
}

export function nothingToCheck(): WrongUse {
  return new WrongUse({
    en: 'This server has not joined a control plane: say which one with --control-plane URL or --join-token TOKEN.',
    ja: 'このサーバーはコントロール プレーンに参加していません。--control-plane URL または --join-token トークン で指定してください。',
  });
}

async function questionOf(
  { controlPlane, authorityFile, joinToken, tokenFile, certificate }: NetworkOptions,
  files: ServerFiles,
): Promise<ProductQuestion> {
  const [authority, token, named, environmentFile] = await Promise.all([
    readNamedIfGiven('--authority-file', authorityFile),
    readNamedIfGiven('--token-file', tokenFile),
    certificate === undefined
      ? readFile(files.certificateChain, 'utf8').catch(() => undefined)
      : readNamed('--certificate', certificate),
    readFile(files.environmentFile, 'utf8').catch(() => ''),
  ]);
  const imageRegistry = parseAssignments(environmentFile).get('mst_image_registry');
  return {
    ...(controlPlane === undefined ? {} : { controlPlane }),
    ...(authority === undefined ? {} : { authority }),
    ...(joinToken === undefined ? {} : { joinToken }),
    ...(token === undefined ? {} : { token: token.trim() }),
    ...(named === undefined ? {} : { certificate: named }),
    ...(imageRegistry === undefined ? {} : { imageRegistry }),
  };
}
