import { webFetch } from '@culvert/control-plane-client/web.ts';
import { Command } from 'commander';
import { Failure } from '../program/failure.ts';
import type { ToolContext } from '../program/tool.ts';
import { frameWords } from '../program/words.ts';
import { accessTokenOf } from './account/access-token.ts';
import { accountReports } from './account/account-reports.ts';
import { fetchRegistration } from './account/registration.ts';
import { proxyForTarget, proxySettingsOf } from './network/host-proxy.ts';
import { type ControlPlaneOptions, tellReports, withControlPlaneOptions } from './network-command.ts';
import { readNamedIfGiven, requireControlPlane } from './options.ts';

interface AccountOptions extends ControlPlaneOptions {
  json?: true;
}

/** `mst-readiness account`: whether an account may register servers, and which permission is missing. */
export function accountCommand(context: ToolContext): Command {
  const command = new Command('account').description(
    context.say({
      en: 'checks whether your account may register servers, and where',
      ja: 'アカウントがサーバーを登録できるか、どのサイトに登録できるかを確認します',
    }),
  );
  return withControlPlaneOptions(command, context)
    .option('--json', context.say(frameWords.json))
    .action((options: AccountOptions) => context.keep(runAccount(context, options)));
}

async function runAccount(context: ToolContext, options: AccountOptions): Promise<number> {
  const controlPlane = requireControlPlane(options.controlPlane);
  const settings = await proxySettingsOf(options.proxy, context.environment);
  const authority = await readNamedIfGiven('--authority-file', options.authorityFile);
  const fetch = webFetch(authority, proxyForTarget(settings, { url: new URL(controlPlane) }));
  const token =
    (await readNamedIfGiven('--token-file', options.tokenFile))?.trim() ??
    (await accessTokenOf(controlPlane, fetch, context));
  const registration = await fetchRegistration(controlPlane, fetch, token).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Failure(
      {
        en: `The control plane does not say what this account may do: ${reason}.`,
        ja: `アカウントのアクセス許可を取得できません: ${reason}。`,
      },
      { cause: error },
    );
  });
  return tellReports(context, await accountReports(registration), options.json === true);
}
