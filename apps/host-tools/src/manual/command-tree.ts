import type { Command, Help, Option } from 'commander';

/** A command of a tool as people see it; what is hidden is not in it. */
export interface CommandNode {
  /** How it is called, such as `mst-cli server logs`. */
  readonly name: string;
  /** The line that help shows, such as `mst-cli server logs [options]`. */
  readonly usage: string;
  readonly description: string;
  readonly parameters: readonly { name: string; description: string; choices: readonly string[] }[];
  readonly options: readonly OptionNode[];
  readonly commands: readonly CommandNode[];
}

export interface OptionNode {
  /** Such as `-t` and `--tail`. */
  readonly names: readonly string[];
  /** Such as `<number>`; undefined when it takes no value. */
  readonly value: string | undefined;
  readonly description: string;
  readonly choices: readonly string[];
  /** What counts without it, as help shows it. */
  readonly standard: string | undefined;
}

/** The commands of a tool, without Commander. */
export function commandTree(command: Command): CommandNode {
  return nodeOf(command, command.createHelp(), command.name());
}

function nodeOf(command: Command, help: Help, name: string): CommandNode {
  return {
    name,
    usage: `${name} ${command.usage()}`.trim(),
    description: command.description(),
    parameters: command.registeredArguments.map((one) => ({
      name: one.name(),
      description: one.description,
      choices: one.argChoices ?? [],
    })),
    options: help.visibleOptions(command).map(optionOf),
    commands: help.visibleCommands(command).map((child) => nodeOf(child, help, `${name} ${child.name()}`)),
  };
}

function optionOf(option: Option): OptionNode {
  const [, value] = /([<[].*)$/.exec(option.flags) ?? [];
  return {
    names: [option.short, option.long].filter((name) => name != null),
    value,
    description: option.description,
    choices: option.argChoices ?? [],
    standard: standardOf(option),
  };
}

function standardOf({ defaultValue, defaultValueDescription }: Option): string | undefined {
  if (defaultValueDescription !== undefined) return defaultValueDescription;
  return typeof defaultValue === 'string' || typeof defaultValue === 'number' ? `${defaultValue}` : undefined;
}

/** A command and all below it. */
export function allCommands(node: CommandNode): CommandNode[] {
  return [node, ...node.commands.flatMap(allCommands)];
}
