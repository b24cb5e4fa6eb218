import { runProgram } from './administration/program.ts';
import { processTerminal } from './administration/terminal.ts';

// What is under way when the agent ends is finished at its next start; nothing here may keep the process.
process.exit(await runProgram(process.argv.slice(2), processTerminal, process.env));
