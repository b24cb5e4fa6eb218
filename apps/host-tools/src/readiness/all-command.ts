import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import type { CheckReport } from '../checks/check.ts';
import { runChecks } from '../checks/run-checks.ts';
import { exitStatus } from '../program/exit-status.ts';
import type { ToolContext } from '../program/tool.ts';
import { frameWords } from '../program/words.ts';
import { certificateReports } from './certificate/certificate-reports.ts';
import { type RepairOptions, repairHost, repairSiteOf, withRepairOptions } from './fix/repair-host.ts';
import { hostChecks } from './host/host-checks.ts';
import { hostBelow } from './host/host-root.ts';
import { inboundReports } from './inbound/inbound-reports.ts';
import { inboundSubjects } from './inbound/judge-inbound.ts';
import { wayToAskUnattended } from './inbound-command.ts';
import {
  type ControlPlaneOptions,
  networkReports,
  tellReports,
  withControlPlaneOptions,
} from './network-command.ts';
import { networks, wholeNumber } from './options.ts';
import { type InstalledGateway, installedGatewayOf, type ServerFiles, serverFiles } from './server-files.ts';
import { mostDevices } from './utils-command.ts';

interface AllOptions extends ControlPlaneOptions, RepairOptions {
  devices: number;
  pool?: readonly string[];
  port?: number;
  address?: string;
  rootless?: true;
  json?: true;
}

/** `mst-readiness all`: everything that needs no answer of a person. */
export function allCommand(context: ToolContext): Command {
  const { say } = context;
  const command = new Command('all')
    .description(
      say({
        en: 'checks host, network, the installed certificate, and whether devices outside reach this server',
        ja: 'サーバー、ネットワーク、インストール済みの証明書、外部からの到達性をまとめて確認します',
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
      '--address <name-or-ip>',
      say({
        en: 'public address of this server, otherwise that of the installed gateway',
        ja: 'このサーバーのパブリック アドレス (指定がなければインストール済みのゲートウェイの設定)',
      }),
    )
    .option(
      '--port <number>',
      say({ en: 'port of the gateway', ja: 'ゲートウェイのポート' }),
      wholeNumber('--port', 65_535),
    )
    .option(
      '--rootless',
      say({ en: 'for containers without root', ja: 'ルートレス コンテナー向けに確認します' }),
    );
  return withRepairOptions(withControlPlaneOptions(command, context), context)
    .option('--json', say(frameWords.json))
    .action((options: AllOptions) => context.keep(runAll(context, options)));
}

async function runAll(context: ToolContext, options: AllOptions): Promise<number> {
  const site = repairSiteOf(context, options, hostBelow('/'), '/');
  const allDone = site === undefined || (await repairHost(context, site)).allDone;
  const status = await checkAll(context, options);
  return allDone ? status : exitStatus.failed;
}

async function checkAll(context: ToolContext, options: AllOptions): Promise<number> {
  const files = serverFiles(options.directory);
  const gateway = await installedGatewayOf(files);
  const port = options.port ?? gateway?.listenPort ?? 443;
  const progress = context.terminal.progress(context.say({ en: 'Checking', ja: '確認しています' }));
  try {
    // The listener for the probe would be found as a program that has the port already.
    const ofHost = await hostReports(context, options, port);
    const others = await Promise.all([
      networkReports(context, { ...options, profile: 'culvert' }),
      installedCertificate(gateway, options.address),
      inboundIfPossible(context, options, {
        files,
        port,
        address: options.address ?? gateway?.publicAddress,
      }),
    ]);
    progress.end();
    return await tellReports(context, [ofHost, ...others].flat(), options.json === true);
  } finally {
    progress.end();
  }
}

function hostReports(
  { environment }: ToolContext,
  { devices, pool, rootless }: AllOptions,
  port: number,
): Promise<CheckReport[]> {
  const question = {
    devices,
    pools: pool ?? [],
    port,
    isRootless: rootless === true,
    now: new Date(),
    environment,
  };
  return runChecks(hostChecks(hostBelow('/'), question));
}

async function installedCertificate(
  gateway: InstalledGateway | undefined,
  named: string | undefined,
): Promise<CheckReport[]> {
  if (gateway === undefined) return [];
  const { file, keyFile, passwordFile } = gateway.certificate;
  const text = async (path: string | undefined) =>
    path === undefined ? undefined : readFile(path, 'utf8').catch(() => undefined);
  const bytes = await readFile(file).catch(() => undefined);
  const [keyText, password] = await Promise.all([text(keyFile), text(passwordFile)]);
  const address = named ?? gateway.publicAddress;
  // Without a certificate yet there is nothing to check; setup asks for one.
  if (bytes === undefined) return [];
  return certificateReports({
    file,
    bytes,
    now: new Date(),
    ...(keyText === undefined ? {} : { keyText }),
    ...(password === undefined ? {} : { password: password.replace(/\r?\n$/, '') }),
    ...(address === undefined ? {} : { address }),
  });
}

/** Left out where the address is not known, or nobody who may ask; what goes wrong is told as unknown. */
async function inboundIfPossible(
  context: ToolContext,
  options: AllOptions,
  { files, port, address }: { files: ServerFiles; port: number; address: string | undefined },
): Promise<CheckReport[]> {
  const requestProbe = address === undefined ? undefined : await wayToAskUnattended(context, options);
  if (address === undefined || requestProbe === undefined) return [];
  try {
    return await inboundReports({ address, port, adminSocket: files.adminSocket }, requestProbe);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const found = { en: reason, ja: reason };
    return Object.values(inboundSubjects).map((subject) => ({
      ...subject,
      result: 'unknown' as const,
      found,
      milliseconds: 0,
    }));
  }
}
