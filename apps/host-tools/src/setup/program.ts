import { Command } from 'commander';
import type { Tool, ToolContext } from '../program/tool.ts';

/** `mstunnel-setup`: installs the product on this server. */
export const setupTool: Tool = {
  name: 'mstunnel-setup',
  describe(context: ToolContext): Command {
    return new Command().description(
      context.say({
        en: 'Installs the tunnel gateway on this server; goes on where it stopped',
        ja: 'このサーバーにトンネル ゲートウェイをインストールします。中断した場合は続きから再開します',
      }),
    );
  },
};
