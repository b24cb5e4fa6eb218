import { Command } from 'commander';
import type { Tool, ToolContext } from '../program/tool.ts';

/** `mst-cli`: runs the product on this server. */
export const cliTool: Tool = {
  name: 'mst-cli',
  describe(context: ToolContext): Command {
    return new Command().description(
      context.say({
        en: 'Runs the tunnel gateway of this server',
        ja: 'このサーバーのトンネル ゲートウェイを操作します',
      }),
    );
  },
};
