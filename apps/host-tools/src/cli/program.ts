import { join, resolve } from 'node:path';
import { Command, Option } from 'commander';
import { hostLayout } from '../host-layout/host-layout.ts';
import type { Tool, ToolContext } from '../program/tool.ts';
import { addBridge } from './bridge/bridge.ts';
import { addCapture } from './capture/capture.ts';
import type { AddCommands, CliContext, CommandGroups, ServerPlace } from './commands.ts';
import { addDiagnose } from './diagnose/diagnose.ts';
import { addHealth } from './health/health.ts';
import { addLogs } from './logs/logs.ts';
import { addProxy } from './proxy/proxy.ts';
import { addDisconnect } from './sessions/disconnect.ts';
import { addUnban } from './sessions/unban.ts';
import { addShow } from './show/show.ts';
import { addVersion } from './version.ts';

/** Parts of mst-cli, in the order of its help. */
const parts: readonly AddCommands[] = [
  addShow,
  addLogs,
  addDisconnect,
  addUnban,
  addCapture,
  addHealth,
  addDiagnose,
  addProxy,
  addBridge,
  addVersion,
];

/** `mst-cli`: runs the product on this server. */
export const cliTool: Tool = {
  name: 'mst-cli',
  describe(context: ToolContext): Command {
    const { say } = context;
    const program = new Command()
      .description(
        say({
          en: 'Runs the tunnel gateway of this server',
          ja: 'このサーバーのトンネル ゲートウェイを操作します',
        }),
      )
      .addOption(new Option('--directory <directory>').hideHelp());
    const groups: CommandGroups = {
      program,
      server: program
        .command('server')
        .description(say({ en: 'the server: gateway and engine', ja: 'サーバー (ゲートウェイとエンジン)' })),
      agent: program.command('agent').description(say({ en: 'the agent', ja: 'エージェント' })),
    };
    const server = () => serverPlace(program.opts<{ directory?: string }>().directory);
    const whole: CliContext = { ...context, server };
    for (const add of parts) add(groups, whole);
    return program;
  },
};

/** The server of this host, or the one that `npm start` runs in a directory. */
export function serverPlace(directory?: string): ServerPlace {
  if (directory === undefined) return { layout: hostLayout(), hasContainers: true };
  const absolute = resolve(directory);
  const inside = (...parts: string[]) => join(absolute, ...parts);
  const layout = hostLayout();
  return {
    hasContainers: false,
    layout: {
      ...layout,
      directory: absolute,
      environmentFile: inside('env.sh'),
      gatewayFile: inside('gateway.json'),
      agentSocket: inside('run/agent.sock'),
      adminSocket: inside('run/admin.sock'),
      logDirectory: inside('log'),
      diagnostics: inside('diagnostic'),
      monitor: { ...layout.monitor, socket: inside('run/monitor.sock'), logDirectory: inside('log') },
    },
  };
}
