import { runMonitorProgram } from './monitor/program.ts';

const [tool, ...parameters] = process.argv.slice(2);
if (tool === 'monitor') process.exitCode = await runMonitorProgram(parameters);
else {
  process.stderr.write('usage: monitor run --directory DIRECTORY\n');
  process.exitCode = 2;
}
