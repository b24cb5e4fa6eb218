import { chmodSync, chownSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chooseEngine, readOsRelease } from '../container-engine/choose-engine.ts';
import type { ContainerEngine } from '../container-engine/container-engine.ts';
import { runProgram } from '../container-engine/run-program.ts';
import { type HostLayout, serviceAccount } from '../host-layout/host-layout.ts';
import { IntentsFile } from '../monitor/intents.ts';
import type { Logger } from '../monitor/logger.ts';
import { Monitor } from '../monitor/monitor.ts';
import { StateFile } from '../monitor/state-file.ts';
import { Failure } from '../program/failure.ts';
import { ContainerHost, versionsHere } from './container-host.ts';
import { readVariables } from './server-files.ts';

/** A server with containers, ready to be looked after. */
export interface Server {
  layout: HostLayout;
  engine: ContainerEngine;
  account: { userId: number; groupId: number };
}

export interface Patience {
  settleSeconds: number;
  agentSeconds: number;
  patienceSeconds: number;
}

export const usualPatience: Patience = { settleSeconds: 30, agentSeconds: 120, patienceSeconds: 60 };

/** Opens the server of this host. Rejects with a Failure when there is none, or its engine does not answer. */
export async function openServer(layout: HostLayout): Promise<Server> {
  const account = existsSync(layout.directory) ? await findAccount() : undefined;
  if (account === undefined) {
    throw new Failure({
      en: `This host is no server yet: ${layout.directory} or the account ${serviceAccount} is missing. Run mstunnel-setup.`,
      ja: `このホストはまだサーバーとして設定されていません (${layout.directory} またはアカウント ${serviceAccount} が存在しません)。mstunnel-setup を実行してください。`,
    });
  }
  const variables = readVariables(layout);
  const engine = await chooseEngine({ variables, osRelease: readOsRelease(), userId: account.userId });
  return { layout, engine, account };
}

/** Makes the directories that belong to the monitor; the account may only look into the one of the socket. */
export function makeMonitorDirectories({ layout: { monitor }, account }: Server): void {
  make(monitor.stateDirectory, 0o700, 0);
  make(monitor.logDirectory, 0o750, 0);
  make(monitor.runtimeDirectory, 0o750, account.groupId);
}

/**
 * A monitor of the containers of a server; it does nothing until it is started or asked. Rejects when there is no version to begin
 * with.
 */
export async function containerMonitor(
  { layout, engine, account }: Server,
  logger: Logger,
  { settleSeconds, agentSeconds, patienceSeconds }: Patience = usualPatience,
): Promise<Monitor> {
  const { stateDirectory } = layout.monitor;
  const stateFile = join(stateDirectory, 'release-in-use.json');
  const versions = existsSync(stateFile) ? [] : await versionsHere(engine, readVariables(layout));
  return new Monitor({
    host: (watch) =>
      new ContainerHost({
        ...watch,
        layout,
        engine,
        account,
        logger,
        settleMilliseconds: settleSeconds * 1000,
        agentMilliseconds: agentSeconds * 1000,
        patienceMilliseconds: patienceSeconds * 1000,
      }),
    state: new StateFile(stateFile, versions),
    intents: new IntentsFile(join(stateDirectory, 'intents.json')),
    logger,
  });
}

/** The system account, wherever accounts come from on this host. */
export async function findAccount(): Promise<Server['account'] | undefined> {
  const { stdout } = await runProgram(['getent', 'passwd', serviceAccount], { timeoutMilliseconds: 10_000 });
  const [, , userId, groupId] = stdout.trim().split(':');
  if (userId === undefined || groupId === undefined) return undefined;
  return { userId: Number(userId), groupId: Number(groupId) };
}

function make(directory: string, mode: number, groupId: number): void {
  mkdirSync(directory, { recursive: true });
  chownSync(directory, 0, groupId);
  chmodSync(directory, mode);
}
