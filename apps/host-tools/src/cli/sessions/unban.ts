import type { Command } from 'commander';
import { exitStatus } from '../../program/exit-status.ts';
import { Failure } from '../../program/failure.ts';
import type { AddCommands, CliContext } from '../commands.ts';
import { Gateway } from '../local-service/gateway.ts';

/** `mst-cli server unban` */
export const addUnban: AddCommands = ({ server }, context) => {
  const { say } = context;
  server
    .command('unban [address]')
    .description(
      say({
        en: 'let an address that guessed passwords sign in again',
        ja: 'サインインの失敗で禁止されたアドレスの禁止を解除します',
      }),
    )
    .option('--all', say({ en: 'every address', ja: 'すべてのアドレス' }))
    .action((address: string | undefined, { all }: { all?: true }, command: Command) => {
      if ((address === undefined) === (all === undefined)) {
        command.error('error: either an address or --all is needed');
      }
      return context.keep(unban(context, address));
    });
};

async function unban(context: CliContext, address: string | undefined): Promise<number> {
  const lifted = await new Gateway(context.server()).unban(
    address === undefined ? { all: true } : { address },
  );
  if (lifted === 0 && address !== undefined) {
    throw new Failure({
      en: `${address} is not banned. See: mst-cli server show ip bans`,
      ja: `${address} は禁止されていません。mst-cli server show ip bans で確認してください。`,
    });
  }
  context.terminal.print(
    context.say({
      en: `Lifted ${lifted} ${lifted === 1 ? 'ban' : 'bans'}.`,
      ja: `${lifted} 件の禁止を解除しました。`,
    }),
  );
  return exitStatus.good;
}
