import { type Fetch, webFetch } from '@culvert/control-plane-client/web.ts';
import { Command } from 'commander';
import { Failure } from '../program/failure.ts';
import type { ToolContext } from '../program/tool.ts';
import { frameWords } from '../program/words.ts';
import { accessTokenOf } from './account/access-token.ts';
import { inboundReports } from './inbound/inbound-reports.ts';
import { byAccount, byJoinToken, byServer, type RequestProbe } from './inbound/request-probe.ts';
import { proxyForTarget, proxySettingsOf } from './network/host-proxy.ts';
import { serverIdentityOf } from './network/server-identity.ts';
import {
  type ControlPlaneOptions,
  nothingToCheck,
  tellReports,
  withControlPlaneOptions,
} from './network-command.ts';
import { readNamedIfGiven, wholeNumber } from './options.ts';
import { serverFiles } from './server-files.ts';

export interface InboundOptions extends ControlPlaneOptions {
  address: string;
  port: number;
  json?: true;
}

/** `mst-readiness inbound`: whether devices outside reach this server. */
export function inboundCommand(context: ToolContext): Command {
  const { say } = context;
  const command = new Command('inbound')
    .description(
      say({
        en: 'has the control plane connect back to the public address, over TCP and UDP',
        ja: 'コントロール プレーンからパブリック アドレスに TCP と UDP で接続し、届くか確認します',
      }),
    )
    .requiredOption(
      '--address <name-or-ip>',
      say({ en: 'public address of this server', ja: 'このサーバーのパブリック アドレス' }),
    )
    .option(
      '--port <number>',
      say({ en: 'port of the gateway', ja: 'ゲートウェイのポート' }),
      wholeNumber('--port', 65_535),
      443,
    );
  return withControlPlaneOptions(command, context)
    .option('--json', say(frameWords.json))
    .action((options: InboundOptions) => context.keep(runInbound(context, options)));
}

async function runInbound(context: ToolContext, options: InboundOptions): Promise<number> {
  const requestProbe = await wayToAsk(context, options);
  const { address, port, json } = options;
  const progress = context.terminal.progress(
    context.say({
      en: 'Waiting for the control plane to connect',
      ja: 'コントロール プレーンからの接続を待っています',
    }),
  );
  try {
    const { adminSocket } = serverFiles(options.directory);
    const reports = await inboundReports({ address, port, adminSocket }, requestProbe);
    progress.end();
    return await tellReports(context, reports, json === true);
  } catch (error) {
    throw asFailure(error);
  } finally {
    progress.end();
  }
}

/** By join token, by account (or its API token), or by the certificate of this server. Throws WrongUse when there is none. */
async function wayToAsk(context: ToolContext, options: ControlPlaneOptions): Promise<RequestProbe> {
  const { controlPlane, joinToken, tokenFile } = options;
  const needsPerson = controlPlane !== undefined && joinToken === undefined && tokenFile === undefined;
  if (needsPerson) {
    const fetch = await webOf(context, options, controlPlane);
    return byAccount(controlPlane, fetch, await accessTokenOf(controlPlane, fetch, context));
  }
  const way = await wayToAskUnattended(context, options);
  if (way === undefined) throw nothingToCheck();
  return way;
}

/** The same where nobody is there to sign in; undefined when it takes one. */
export async function wayToAskUnattended(
  context: ToolContext,
  options: ControlPlaneOptions,
): Promise<RequestProbe | undefined> {
  const { controlPlane, joinToken, tokenFile, directory } = options;
  const settings = await proxySettingsOf(options.proxy, context.environment);
  const proxyOf = (url: string) => proxyForTarget(settings, { url: new URL(url) });
  if (joinToken !== undefined) return byJoinToken(joinToken, proxyOf);
  const token = (await readNamedIfGiven('--token-file', tokenFile))?.trim();
  if (controlPlane !== undefined && token !== undefined) {
    return byAccount(controlPlane, await webOf(context, options, controlPlane), token);
  }
  const identity = await serverIdentityOf(serverFiles(directory));
  return identity?.credentials === undefined ? undefined : byServer(identity, proxyOf(identity.url));
}

async function webOf(
  { environment }: ToolContext,
  { authorityFile, proxy }: ControlPlaneOptions,
  controlPlane: string,
): Promise<Fetch> {
  const settings = await proxySettingsOf(proxy, environment);
  const authority = await readNamedIfGiven('--authority-file', authorityFile);
  return webFetch(authority, proxyForTarget(settings, { url: new URL(controlPlane) }));
}

function asFailure(error: unknown): unknown {
  if (error instanceof Failure || !(error instanceof Error)) return error;
  const { message } = error;
  return new Failure(
    {
      en: `The control plane could not be asked to connect back: ${message}`,
      ja: `コントロール プレーンに接続確認を依頼できませんでした: ${message}`,
    },
    { cause: error },
  );
}
