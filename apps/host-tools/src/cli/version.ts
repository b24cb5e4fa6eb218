import { agentStatusSchema, monitorStatusSchema } from '@culvert/contracts';
import { productVersion } from '@culvert/release/product-version.ts';
import { Failure } from '../program/failure.ts';
import type { Localized } from '../program/language.ts';
import { frameWords } from '../program/words.ts';
import type { AddCommands, CliContext } from './commands.ts';
import { Gateway } from './local-service/gateway.ts';
import { askService } from './local-service/local-service.ts';
import { agentService, monitorService } from './local-service/services.ts';
import { printFacts, printJson } from './output.ts';

/** `mst-cli version` */
export const addVersion: AddCommands = ({ program }, context) => {
  const { say } = context;
  program
    .command('version')
    .description(
      say({
        en: 'the version of every part of this server',
        ja: 'このサーバーの各部のバージョンを表示します',
      }),
    )
    .option('--json', say(frameWords.json))
    .action(({ json }: { json?: true }) => context.keep(version(context, json === true)));
};

/** Versions of what runs on a server; absent for a part that does not answer. */
export interface ServerVersions {
  mstCli: string;
  gateway?: string;
  engine?: string;
  agent?: string;
  monitor?: string;
}

/** Asks every part of a server. One that does not answer has no version and is no mistake. */
export async function readVersions(context: CliContext): Promise<ServerVersions> {
  const place = context.server();
  const status = { method: 'GET', path: '/status' } as const;
  const [gateway, agent, monitor] = await Promise.all([
    unlessSilent(new Gateway(place).status()),
    unlessSilent(askService(agentService(place.layout), status, agentStatusSchema)),
    unlessSilent(askService(monitorService(place.layout), status, monitorStatusSchema)),
  ]);
  return {
    mstCli: productVersion(),
    ...(gateway === undefined ? {} : { gateway: gateway.version }),
    ...(gateway?.engine.version === undefined ? {} : { engine: gateway.engine.version }),
    ...(agent === undefined ? {} : { agent: agent.version }),
    ...(monitor === undefined ? {} : { monitor: monitor.version }),
  };
}

async function unlessSilent<Answer>(answer: Promise<Answer>): Promise<Answer | undefined> {
  return answer.catch((error: unknown) => {
    if (error instanceof Failure) return undefined;
    throw error;
  });
}

async function version(context: CliContext, json: boolean): Promise<number> {
  const versions = await readVersions(context);
  if (json) return printJson(versions, context.terminal);
  const silent = context.say({ en: 'does not run', ja: '実行されていません' });
  const facts: readonly [Localized, string][] = [
    [{ en: 'mst-cli', ja: 'mst-cli' }, versions.mstCli],
    [{ en: 'Gateway', ja: 'ゲートウェイ' }, versions.gateway ?? silent],
    [{ en: 'Engine', ja: 'エンジン' }, versions.engine ?? silent],
    [{ en: 'Agent', ja: 'エージェント' }, versions.agent ?? silent],
    [{ en: 'Monitor', ja: 'モニター' }, versions.monitor ?? silent],
  ];
  printFacts(facts, context);
  return 0;
}
