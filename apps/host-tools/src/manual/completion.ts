import { allCommands, type CommandNode, type OptionNode } from './command-tree.ts';

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

/**
 * What a shell reads to complete the commands, options and choices of a tool. The words are written into it, so that nothing is
 * started at a press of Tab; where none fits, the shell completes names of files.
 */
export function completionScript(shell: Shell, tool: CommandNode): string {
  const lines = { bash, zsh, fish }[shell](tool);
  return `${lines.join('\n')}\n`;
}

/** Every command is known by the words behind the name of the tool, each with a space before it. */
function placeOf(tool: CommandNode, command: CommandNode): string {
  return command.name.slice(tool.name.length);
}

function functionOf(tool: CommandNode): string {
  return `_${tool.name.replaceAll('-', '_')}`;
}

/** Lines of a `case` that follow a word from one place to the next. */
function steps(tool: CommandNode): string[] {
  return allCommands(tool)
    .slice(1)
    .map((command) => {
      const place = singleQuoted(placeOf(tool, command));
      return `      ${place}) place=${place} ;;`;
    });
}

/** Lines of a `case` over the place and the word before: the choices of an option, or that it takes any value. */
function valueCases(tool: CommandNode, show: (choices: readonly string[]) => string): string[] {
  return allCommands(tool).flatMap((command) =>
    command.options
      .filter(({ value }) => value !== undefined)
      .map(({ names, choices }) => {
        const patterns = names.map((name) => singleQuoted(`${placeOf(tool, command)} ${name}`));
        return `    ${patterns.join('|')}) ${show(choices)} ;;`;
      }),
  );
}

function optionNames(options: readonly OptionNode[]): string[] {
  return options.flatMap(({ names }) => names);
}

/** Everything that may be the next word at a command. */
function nextWords(command: CommandNode): string[] {
  return [
    ...command.commands.map(({ name }) => lastWord(name)),
    ...command.parameters.flatMap(({ choices }) => choices),
    ...optionNames(command.options),
  ];
}

function lastWord(name: string): string {
  return name.slice(name.lastIndexOf(' ') + 1);
}

function bash(tool: CommandNode): string[] {
  const name = functionOf(tool);
  const wordList = (words: readonly string[]) => singleQuoted(words.join(' '));
  return [
    `${name}() {`,
    `  local place='' words='' index current=\${COMP_WORDS[COMP_CWORD]}`,
    '  for ((index = 1; index < COMP_CWORD; index++)); do',
    `    case "$place \${COMP_WORDS[index]}" in`,
    ...steps(tool),
    '    esac',
    '  done',
    '  case "$place" in',
    ...allCommands(tool).map(
      (command) => `    ${singleQuoted(placeOf(tool, command))}) words=${wordList(nextWords(command))} ;;`,
    ),
    '  esac',
    `  case "$place \${COMP_WORDS[COMP_CWORD - 1]}" in`,
    ...valueCases(tool, (choices) => `words=${wordList(choices)}`),
    '  esac',
    '  COMPREPLY=($(compgen -W "$words" -- "$current"))',
    '}',
    `complete -o default -F ${name} ${tool.name}`,
  ];
}

function zsh(tool: CommandNode): string[] {
  const name = functionOf(tool);
  const described = (word: string, text: string) =>
    singleQuoted(`${word.replaceAll(':', '\\:')}:${firstLine(text)}`);
  const list = (command: CommandNode) => [
    ...command.commands.map((child) => described(lastWord(child.name), child.description)),
    ...command.parameters.flatMap(({ choices, description }) =>
      choices.map((choice) => described(choice, description)),
    ),
    ...command.options.flatMap(({ names, description }) => names.map((one) => described(one, description))),
  ];
  return [
    `#compdef ${tool.name}`,
    `${name}() {`,
    "  local place='' word",
    '  local -a candidates',
    `  for word in "\${(@)words[2,CURRENT-1]}"; do`,
    '    case "$place $word" in',
    ...steps(tool),
    '    esac',
    '  done',
    '  case "$place" in',
    ...allCommands(tool).map(
      (command) => `    ${singleQuoted(placeOf(tool, command))}) candidates=(${list(command).join(' ')}) ;;`,
    ),
    '  esac',
    `  case "$place \${words[CURRENT-1]}" in`,
    ...valueCases(tool, (choices) => `candidates=(${choices.map(singleQuoted).join(' ')})`),
    '  esac',
    `  _describe -o '${tool.name}' candidates || _files`,
    '}',
    // Read from a directory of functions it is called at once; read by `source` it is bound.
    `if [ "\${funcstack[1]-}" = ${name} ]; then ${name} "$@"; else compdef ${name} ${tool.name}; fi`,
  ];
}

function fish(tool: CommandNode): string[] {
  const name = `_${functionOf(tool)}_is_at`;
  const at = (command: CommandNode) => `-n ${fishQuoted(`${name} ${fishQuoted(placeOf(tool, command))}`)}`;
  return [
    `function ${name}`,
    '  set -l place ""',
    '  for word in (commandline -opc)[2..-1]',
    '    switch "$place $word"',
    ...allCommands(tool)
      .slice(1)
      .map((command) => {
        const place = fishQuoted(placeOf(tool, command));
        return `      case ${place}; set place ${place}`;
      }),
    '    end',
    '  end',
    '  test "$place" = "$argv[1]"',
    'end',
    ...allCommands(tool).flatMap((command) => [
      ...command.commands.map(
        (child) =>
          `complete -c ${tool.name} ${at(command)} -a ${lastWord(child.name)} -d ${fishQuoted(firstLine(child.description))}`,
      ),
      ...command.parameters
        .filter(({ choices }) => choices.length > 0)
        .map(
          ({ choices, description }) =>
            `complete -c ${tool.name} ${at(command)} -f -a ${fishQuoted(choices.join(' '))} -d ${fishQuoted(firstLine(description))}`,
        ),
      ...command.options.map((option) => `complete -c ${tool.name} ${at(command)} ${fishOption(option)}`),
    ]),
  ];
}

function fishOption({ names, value, choices, description }: OptionNode): string {
  const flags = names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`));
  const values =
    value === undefined ? [] : choices.length === 0 ? ['-r'] : ['-x', '-a', fishQuoted(choices.join(' '))];
  return [...flags, ...values, '-d', fishQuoted(firstLine(description))].join(' ');
}

function firstLine(text: string): string {
  return text.split('\n')[0] ?? '';
}

/** A word of bash or zsh that is taken as it is. */
export function singleQuoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** A word of fish that is taken as it is. */
function fishQuoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
