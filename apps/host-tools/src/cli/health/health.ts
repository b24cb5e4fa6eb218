import { statfs } from 'node:fs/promises';
import {
  agentStatusSchema,
  type MonitoredProcess,
  monitoredProcesses,
  monitorStatusSchema,
} from '@culvert/contracts';
import type { Check, CheckReport } from '../../checks/check.ts';
import { hasFailed, runChecks } from '../../checks/run-checks.ts';
import { reportsAsJson, showReports } from '../../checks/show-reports.ts';
import type { ContainerEngine } from '../../container-engine/container-engine.ts';
import { exitStatus } from '../../program/exit-status.ts';
import { frameWords } from '../../program/words.ts';
import type { AddCommands, CliContext } from '../commands.ts';
import { containerNames } from '../container-names.ts';
import { engineOf } from '../engine.ts';
import { Gateway } from '../local-service/gateway.ts';
import { askService } from '../local-service/local-service.ts';
import { agentService, monitorService } from '../local-service/services.ts';
import {
  judgeAgent,
  judgeCertificate,
  judgeContainer,
  judgeDisk,
  judgeGateway,
  judgeMonitor,
  judgeVersions,
  notAnswering,
} from './judge.ts';
import { servedCertificate } from './served-certificate.ts';

/** `mst-cli health` */
export const addHealth: AddCommands = ({ program }, context) => {
  const { say } = context;
  program
    .command('health')
    .description(
      say({
        en: 'what is well on this server and what is not, with remedies',
        ja: 'このサーバーの状態を、問題への対処方法と合わせて表示します',
      }),
    )
    .option('--json', say(frameWords.json))
    .action(({ json }: { json?: true }) => context.keep(showHealth(context, json === true)));
};

async function showHealth(context: CliContext, json: boolean): Promise<number> {
  const { language, terminal } = context;
  const reports = await healthReports(context);
  if (json) terminal.print(reportsAsJson(reports, language));
  else showReports(reports, language, terminal);
  return hasFailed(reports) ? exitStatus.failed : exitStatus.good;
}

/** Looks at every part of a server; never rejects. */
export function healthReports(context: CliContext): Promise<CheckReport[]> {
  return runChecks(healthChecks(context));
}

const status = { method: 'GET', path: '/status' } as const;

function healthChecks(context: CliContext): Check[] {
  const place = context.server();
  const { layout } = place;
  const gateway = new Gateway(place);
  const agent = () => askService(agentService(layout), status, agentStatusSchema);
  const monitor = () => askService(monitorService(layout), status, monitorStatusSchema);
  return [
    ...(place.hasContainers ? containerChecks(() => engineOf(place)) : []),
    {
      id: 'health.gateway',
      title: { en: 'Gateway and engine', ja: 'ゲートウェイとエンジン' },
      why: { en: 'Without them no device connects.', ja: '停止しているとデバイスが接続できません。' },
      run: async () => gateway.status().then(judgeGateway, notAnswering),
    },
    {
      id: 'health.certificate',
      title: { en: 'Certificate of the site', ja: 'サイトの証明書' },
      why: {
        en: 'Devices refuse a server whose certificate has expired.',
        ja: '期限が切れると、デバイスはサーバーへの接続を拒否します。',
      },
      run: async () => {
        const found = await gateway.status().catch(notAnswering);
        if ('result' in found) return { ...found, result: 'unknown' };
        return judgeCertificate(await servedCertificate(found), Date.now());
      },
    },
    {
      id: 'health.agent',
      title: { en: 'Agent and control plane', ja: 'エージェントとコントロール プレーン' },
      why: {
        en: 'Without them the server gets no configuration, no upgrades, and is shown as offline.',
        ja: '接続できないと、構成の変更やアップグレードが反映されず、オフラインと表示されます。',
      },
      run: async () => agent().then((found) => judgeAgent(found, Date.now()), notAnswering),
    },
    {
      id: 'health.monitor',
      title: { en: 'Monitor', ja: 'モニター' },
      why: {
        en: 'It starts again what has stopped, and carries out upgrades.',
        ja: '停止したものの再起動と、アップグレードを行います。',
      },
      run: async () => monitor().then(judgeMonitor, notAnswering),
    },
    {
      id: 'health.versions',
      title: { en: 'Versions', ja: 'バージョン' },
      why: {
        en: 'Parts of different versions are left by an upgrade that did not end.',
        ja: 'バージョンの不一致は、完了していないアップグレードが原因の可能性があります。',
      },
      run: async () => {
        const [one, two] = await Promise.all([
          gateway.status().catch(notAnswering),
          agent().catch(notAnswering),
        ]);
        return 'result' in one || 'result' in two
          ? { ...notAnswering(), result: 'unknown' }
          : judgeVersions(one, two);
      },
    },
    {
      id: 'health.disk',
      title: { en: 'Disk', ja: 'ディスク' },
      why: {
        en: 'A full disk stops logs, upgrades and new sessions.',
        ja: '空き領域がなくなると、ログ、アップグレード、新しいセッションが停止します。',
      },
      run: async () => {
        const { bavail, bsize } = await statfs(layout.directory);
        return judgeDisk(bavail * bsize);
      },
    },
  ];
}

function containerChecks(engine: () => Promise<ContainerEngine>): Check[] {
  const titles = {
    server: { en: 'Container of the server', ja: 'サーバーのコンテナー' },
    agent: { en: 'Container of the agent', ja: 'エージェントのコンテナー' },
  } satisfies Record<MonitoredProcess, unknown>;
  return monitoredProcesses.map((name) => ({
    id: `health.container-${name}`,
    title: titles[name],
    why: { en: 'The product runs in it.', ja: '本製品はコンテナー内で動作します。' },
    run: async () => {
      const found = await engine().then((one) => one.inspect(containerNames[name]), notAnswering);
      return 'result' in found ? found : judgeContainer(name, found);
    },
  }));
}
