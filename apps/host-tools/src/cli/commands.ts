import type { Command } from 'commander';
import type { HostLayout } from '../host-layout/host-layout.ts';
import type { ToolContext } from '../program/tool.ts';

/** Groups that the parts of mst-cli add their commands to. */
export interface CommandGroups {
  program: Command;
  agent: Command;
  server: Command;
}

/** What a command of mst-cli has at hand. */
export interface CliContext extends ToolContext {
  /** Where the server is that the command is about; to be asked when the command runs. */
  server(): ServerPlace;
}

export interface ServerPlace {
  layout: HostLayout;
  /** False for a directory whose gateway and agent are processes of this host, as `npm start` runs them. */
  hasContainers: boolean;
}

/** Adds the commands of one part. */
export type AddCommands = (groups: CommandGroups, context: CliContext) => void;
