import { Command } from 'commander';
import type { Tool, ToolContext } from '../program/tool.ts';
import { accountCommand } from './account-command.ts';
import { allCommand } from './all-command.ts';
import { certificateCommand } from './certificate-command.ts';
import { inboundCommand } from './inbound-command.ts';
import { networkCommand } from './network-command.ts';
import { sizingCommand } from './sizing-command.ts';
import { utilsCommand } from './utils-command.ts';

/** `mst-readiness`: whether a server and its network are ready for the product. */
export const readinessTool: Tool = {
  name: 'mst-readiness',
  describe(context: ToolContext): Command {
    return new Command()
      .description(
        context.say({
          en: 'Checks whether this server and its network are ready for the tunnel gateway',
          ja: 'このサーバーとネットワークがトンネル ゲートウェイの要件を満たしているか確認します',
        }),
      )
      .addCommand(networkCommand(context))
      .addCommand(utilsCommand(context))
      .addCommand(accountCommand(context))
      .addCommand(inboundCommand(context))
      .addCommand(certificateCommand(context))
      .addCommand(sizingCommand(context))
      .addCommand(allCommand(context));
  },
};
