import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { hasFailed, runChecks } from '../checks/run-checks.ts';
import { reportsAsJson, showReports } from '../checks/show-reports.ts';
import { exitStatus } from '../program/exit-status.ts';
import { WrongUse } from '../program/failure.ts';
import type { ToolContext } from '../program/tool.ts';
import { frameWords } from '../program/words.ts';
import type { RepairSite } from './fix/apply-repairs.ts';
import { type RepairOptions, repairHost, repairSiteOf, withRepairOptions } from './fix/repair-host.ts';
import { type HostQuestion, hostChecks } from './host/host-checks.ts';
import { hostBelow } from './host/host-root.ts';
import type { HostView } from './host/host-view.ts';
import { networks, wholeNumber } from './options.ts';

interface UtilsOptions extends RepairOptions {
  devices: number;
  pool?: readonly string[];
  port: number;
  rootless?: true;
  json?: true;
  root: string;
}

/** The most devices that a number is taken for; far above what one organisation has. */
export const mostDevices = 10_000_000;

/** `mst-readiness utils`: the host itself, and what can be put right there. */
export function utilsCommand(context: ToolContext): Command {
  const { say } = context;
  const command = new Command('utils')
    .description(
      say({
        en: 'checks this host: system, container engine, kernel, sizes, networks',
        ja: 'サーバー自体を確認します (システム、コンテナー エンジン、カーネル、サイズ、ネットワーク)',
      }),
    )
    .option(
      '--devices <number>',
      say({ en: 'devices of the site', ja: 'サイトのデバイス数' }),
      wholeNumber('--devices', mostDevices),
      1_000,
    )
    .option(
      '--pool <cidr>',
      say({
        en: 'network of the addresses of devices; may be repeated',
        ja: 'デバイスに割り当てるアドレスのネットワーク (複数指定可)',
      }),
      networks('--pool'),
    )
    .option(
      '--port <number>',
      say({ en: 'port of the gateway', ja: 'ゲートウェイのポート' }),
      wholeNumber('--port', 65_535),
      443,
    )
    .option(
      '--rootless',
      say({ en: 'for containers without root', ja: 'ルートレス コンテナー向けに確認します' }),
    );
  return withRepairOptions(command, context)
    .option('--json', say(frameWords.json))
    .option(
      '--root <directory>',
      say({
        en: 'look at the system in this directory instead',
        ja: 'このディレクトリ内のシステムを確認します',
      }),
      '/',
    )
    .action((options: UtilsOptions) => context.keep(runUtils(context, options)));
}

async function runUtils(context: ToolContext, options: UtilsOptions): Promise<number> {
  const { language, terminal, environment, say } = context;
  const root = await directoryOf(options.root);
  const view = hostBelow(root);
  const question: HostQuestion = {
    devices: options.devices,
    pools: options.pool ?? [],
    port: options.port,
    isRootless: options.rootless === true,
    now: new Date(),
    environment,
  };
  const site = repairSiteOf(context, options, view, root);
  if (site !== undefined) return repair(context, { question, site, isJson: options.json === true });
  const reports = await runChecks(hostChecks(view, question));
  if (options.json === true) terminal.print(reportsAsJson(reports, language));
  else showReports(reports, language, terminal);
  if (options.json !== true && isLimited(view)) {
    terminal.complain(
      say({
        en: 'Some checks see more as root: sudo mst-readiness utils',
        ja: '一部の確認には root 権限が必要です: sudo mst-readiness utils',
      }),
    );
  }
  return hasFailed(reports) ? exitStatus.failed : exitStatus.good;
}

async function repair(
  context: ToolContext,
  { question, site, isJson }: { question: HostQuestion; site: RepairSite; isJson: boolean },
): Promise<number> {
  const { language, terminal } = context;
  if (!isJson) showReports(await runChecks(hostChecks(site.view, question)), language, terminal);
  const { hadRepairs, allDone } = await repairHost(context, site);
  const reports = await runChecks(hostChecks(site.view, question));
  if (isJson) terminal.print(reportsAsJson(reports, language));
  else if (hadRepairs) {
    terminal.print('');
    showReports(reports, language, terminal);
  }
  return allDone && !hasFailed(reports) ? exitStatus.good : exitStatus.failed;
}

function isLimited({ isRunning, isRoot }: HostView): boolean {
  return isRunning && !isRoot;
}

async function directoryOf(path: string): Promise<string> {
  const directory = resolve(path);
  const found = await stat(directory).catch(() => undefined);
  if (found?.isDirectory() === true) return directory;
  throw new WrongUse({
    en: `--root: ${path} is no directory`,
    ja: `--root: ${path} はディレクトリではありません`,
  });
}
