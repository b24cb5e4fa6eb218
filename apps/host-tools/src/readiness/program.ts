import { Command } from 'commander';
import type { Tool, ToolContext } from '../program/tool.ts';
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
      .addCommand(utilsCommand(context))
      .addCommand(sizingCommand(context));
  },
};
