import { Command } from 'commander';
import { exitStatus } from '../program/exit-status.ts';
import type { ToolContext } from '../program/tool.ts';
import { frameWords } from '../program/words.ts';
import { wholeNumber } from './options.ts';
import { sizingFor } from './sizing/sizing.ts';
import { mostDevices } from './utils-command.ts';

/** `mst-readiness sizing`: how many servers of which size a number of devices needs. */
export function sizingCommand(context: ToolContext): Command {
  const { say, terminal } = context;
  return new Command('sizing')
    .description(
      say({
        en: 'tells how many servers of which size a number of devices needs',
        ja: 'デバイス数に必要なサーバーの数と規模を表示します',
      }),
    )
    .requiredOption(
      '--devices <number>',
      say({ en: 'devices of the site', ja: 'サイトのデバイス数' }),
      wholeNumber('--devices', mostDevices),
    )
    .option('--json', say(frameWords.json))
    .action(({ devices, json }: { devices: number; json?: true }) => {
      const { cpus, memoryGb, servers, sites, diskGb } = sizingFor(devices);
      if (json === true)
        terminal.print(JSON.stringify({ devices, cpus, memoryGb, servers, sites, diskGb }, null, 2));
      else {
        terminal.print(
          say({
            en: `${devices} devices: ${servers} server(s) in ${sites} site, each with ${cpus} processors, ${memoryGb} GB of memory and ${diskGb} GB of disk space`,
            ja: `デバイス ${devices} 台: ${sites} サイトにサーバー ${servers} 台 (1 台あたり CPU ${cpus} 個、メモリ ${memoryGb} GB、ディスク ${diskGb} GB)`,
          }),
        );
      }
      return context.keep(Promise.resolve(exitStatus.good));
    });
}
