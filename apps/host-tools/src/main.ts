import { basename } from 'node:path';
import { exitStatus } from './program/exit-status.ts';
import { processTerminal } from './program/terminal.ts';
import { runTool, type ToolName, toolNames } from './program/tool.ts';

type Run = (parameters: string[]) => Promise<number>;

const terminal = processTerminal(process.env);
/** Loaded when they are called: starting one tool must not cost the start of all. */
const tools: Record<ToolName, () => Promise<Run>> = {
  'mst-cli': async () => {
    const { cliTool } = await import('./cli/program.ts');
    return (parameters) => runTool(cliTool, parameters, terminal, process.env);
  },
  'mst-readiness': async () => {
    const { readinessTool } = await import('./readiness/program.ts');
    return (parameters) => runTool(readinessTool, parameters, terminal, process.env);
  },
  'mstunnel-setup': async () => {
    const { setupTool } = await import('./setup/program.ts');
    return (parameters) => runTool(setupTool, parameters, terminal, process.env);
  },
  mstunnel_monitor: async () => (await import('./monitor/program.ts')).runMonitorProgram,
};

/** The tool is named by how the executable was called, or else by the first word. */
function choose(calledAs: string, parameters: string[]): [ToolName, string[]] | undefined {
  const name = toolNames.find((known) => known === basename(calledAs));
  if (name !== undefined) return [name, parameters];
  const [first, ...rest] = parameters;
  const named = toolNames.find((known) => known === first);
  return named === undefined ? undefined : [named, rest];
}

// Whoever reads the output has seen enough, as in `| head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(exitStatus.good);
});

async function main(): Promise<number> {
  const chosen = choose(process.argv0, process.argv.slice(2));
  if (chosen === undefined) {
    terminal.complain(`usage: ${toolNames.join(' | ')}`);
    return exitStatus.wrongUse;
  }
  const [name, parameters] = chosen;
  const run = await tools[name]();
  return run(parameters);
}

// Not awaited here: the single executable is a CommonJS program, which knows no await outside of functions.
void main().then((status) => {
  process.exitCode = status;
});
