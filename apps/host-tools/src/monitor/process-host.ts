import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { MonitoredProcess, MonitorStatus } from '@culvert/contracts';
import { agentAnswers, agentStatus, checkInProblem, hasReachedControlPlane } from './agent-client.ts';
import { AgentWatch } from './agent-watch.ts';
import type { BackOffRule } from './back-off.ts';
import { GatewayClient } from './gateway-client.ts';
import { lookAtGateway, lostSessions } from './gateway-health.ts';
import type { Host, Watch } from './host.ts';
import type { Before, WantedReleases } from './host-upgrade.ts';
import type { Logger } from './logger.ts';
import { findProcesses, isRunning, signalProcess } from './process-identity.ts';
import { ProcessRecords } from './process-records.ts';
import type { Release, Releases } from './releases.ts';
import { ServerWatch } from './server-watch.ts';
import { settle } from './settle.ts';
import { type Launch, SupervisedProcess } from './supervised-process.ts';

export interface ProcessHostOptions extends Watch {
  /** Directory of the server: `gateway.json`, `run/`, `log/`, `agent/`. */
  directory: string;
  releases: Releases;
  logger: Logger;
  environment: NodeJS.ProcessEnv;
  /** How long a gateway must be well before an upgrade goes on. */
  settleMilliseconds: number;
  /** How long an agent has for its first check-in. */
  agentMilliseconds: number;
  /** How long gateway or agent may serve nobody. */
  patienceMilliseconds?: number;
  backOff?: BackOffRule;
}

/** Answers under way and the next start; the gateway itself gives up after five seconds. */
const handOverMilliseconds = 20_000;
/** `drainSeconds` is 300 at most, and the rest takes seconds. */
const serverEndMilliseconds = 330_000;
/** A process that does not answer is not going to end in order. */
const unansweredEndMilliseconds = 10_000;
const agentEndMilliseconds = 15_000;
/** How long a gateway has until it serves devices. */
const gatewayStartMilliseconds = 60_000;
/** A program that ends this often in a row will not run. */
const hopelessEndings = 3;
const lookMilliseconds = 500;

/** The two processes of a host: starts, ends and changes them. Operations must not overlap. */
export class ProcessHost implements Host {
  readonly #options: ProcessHostOptions;
  readonly #runtimeDirectory: string;
  readonly #agentSocket: string;
  readonly gateway: GatewayClient;
  readonly server: SupervisedProcess;
  readonly agent: SupervisedProcess;
  readonly #serverWatch: ServerWatch;
  readonly #agentWatch: AgentWatch;
  /** Releases that processes are started from. */
  #wanted: { server: Release; agent: Release } | undefined;

  constructor(options: ProcessHostOptions) {
    this.#options = options;
    const { directory, logger, backOff } = options;
    this.#runtimeDirectory = join(directory, 'run');
    this.#agentSocket = join(this.#runtimeDirectory, 'agent.sock');
    this.gateway = new GatewayClient(join(this.#runtimeDirectory, 'admin.sock'));
    const recordsFile = join(this.#runtimeDirectory, 'monitor-processes.json');
    const records = readRecords(recordsFile, logger);
    const common = { records, logger, ...(backOff === undefined ? {} : { backOff }) };
    const launch = (name: MonitoredProcess) => () => this.#launch(name);
    this.server = new SupervisedProcess({
      ...common,
      name: 'server',
      title: 'the gateway',
      launch: launch('server'),
    });
    this.agent = new SupervisedProcess({
      ...common,
      name: 'agent',
      title: 'the agent',
      launch: launch('agent'),
    });
    const { patienceMilliseconds } = options;
    const patience = patienceMilliseconds === undefined ? {} : { patience: patienceMilliseconds };
    const configurationFile = join(directory, 'gateway.json');
    this.#serverWatch = new ServerWatch({ host: this, configurationFile, logger, ...patience });
    this.#agentWatch = new AgentWatch({ host: this, logger, ...patience });
  }

  /** Takes over what runs already. */
  adopt(): void {
    this.server.adopt();
    this.agent.adopt();
  }

  statuses(now: number): MonitorStatus['processes'] {
    return { server: this.server.status(now), agent: this.agent.status(now) };
  }

  async versions(): Promise<string[]> {
    return this.#options.releases.versions();
  }

  async expect(version: string): Promise<void> {
    await this.#options.releases.load(version);
  }

  async run({ server, agent }: WantedReleases): Promise<void> {
    const { releases, isStopped } = this.#options;
    this.#wanted = { server: await releases.load(server), agent: await releases.load(agent) };
    if (this.server.version !== undefined && this.server.version !== server) {
      // A gateway that cannot hand over is killed, which drops no tunnel either: its engine is a process of its own.
      await this.server.end('SIGUSR2', handOverMilliseconds);
    }
    if (!isStopped('server')) this.server.start();
    if (this.agent.version !== undefined && this.agent.version !== agent) {
      await this.agent.end('SIGTERM', agentEndMilliseconds);
    }
    if (!isStopped('agent')) this.agent.start();
  }

  /** How the host is before an upgrade. */
  async before(): Promise<Before> {
    const [status, sessions, agent] = await Promise.all([
      this.gateway.status().catch(() => undefined),
      this.gateway.connectedSessions().catch(() => []),
      agentStatus(this.#agentSocket).catch(() => undefined),
    ]);
    const engineProcessId = status?.engine.processId;
    return {
      ...(engineProcessId === undefined ? {} : { engineProcessId }),
      sessions,
      controlPlaneReached: agent !== undefined && hasReachedControlPlane(agent),
    };
  }

  async gatewayProblem(before: Before): Promise<string | undefined> {
    let hasCompared = false;
    let lost: string | undefined;
    const { count: endingsBefore } = this.server.ending;
    const look = async () => {
      const { count, last } = this.server.ending;
      if (count - endingsBefore >= hopelessEndings) {
        throw new Error(`the gateway ends by itself (${last}); its log says why`);
      }
      const problem = await lookAtGateway(this.gateway, join(this.#options.directory, 'gateway.json'));
      if (problem !== undefined || hasCompared) return problem;
      lost = await lostSessions(this.gateway, before);
      hasCompared = true;
      return undefined;
    };
    const { settleMilliseconds, signal } = this.#options;
    const rule = { withinMilliseconds: gatewayStartMilliseconds, settleMilliseconds };
    return (await settle(look, rule, signal)) ?? lost;
  }

  async agentProblem(before: Before): Promise<string | undefined> {
    const startedAt = this.agent.since ?? Date.now();
    const { agentMilliseconds, signal } = this.#options;
    const rule = { withinMilliseconds: agentMilliseconds, settleMilliseconds: 0 };
    return settle(() => checkInProblem(this.#agentSocket, startedAt, before), rule, signal);
  }

  async replaceEngine(): Promise<void> {
    const answers = async () => {
      const status = await this.gateway.status().catch((error: Error) => error);
      return status instanceof Error
        ? `the gateway does not answer at its socket: ${status.message}`
        : undefined;
    };
    const rule = { withinMilliseconds: gatewayStartMilliseconds, settleMilliseconds: 0 };
    const problem = await settle(answers, rule, this.#options.signal);
    if (problem !== undefined) throw new Error(problem);
    await this.gateway.replaceEngine();
  }

  async start(name: MonitoredProcess): Promise<void> {
    this[name].start();
  }

  async stop(name: MonitoredProcess): Promise<void> {
    if (name === 'server') await this.endServer();
    else await this.agent.end('SIGTERM', agentEndMilliseconds);
  }

  restart(name: MonitoredProcess): Promise<void> {
    return name === 'server' ? this.restartServer() : this.restartAgent();
  }

  async look(): Promise<void> {
    try {
      await this.#serverWatch.look();
    } finally {
      await this.#agentWatch.look();
    }
  }

  async reload(): Promise<void> {
    this.server.signal('SIGHUP');
  }

  /** Ends gateway and engine and starts both again. */
  async restartServer(): Promise<void> {
    await this.endServer();
    this.server.start();
  }

  /** Whether the agent answers at its socket, with whatever. */
  agentAnswers(): Promise<boolean> {
    return agentAnswers(this.#agentSocket);
  }

  async restartAgent(): Promise<void> {
    await this.agent.end('SIGTERM', agentEndMilliseconds);
    this.agent.start();
  }

  /** Kills a gateway that does not answer; tunnels go on, and the next one takes them over. */
  async replaceGateway(): Promise<void> {
    await this.server.end('SIGKILL', handOverMilliseconds);
    this.server.start();
  }

  /** Ends everything, the agent first: it would report a server that is being stopped. */
  async end(): Promise<void> {
    await this.agent.end('SIGTERM', agentEndMilliseconds);
    await this.endServer();
  }

  /** Ends the gateway in order and its engine with it. */
  async endServer(): Promise<void> {
    const answers = await this.gateway.status().then(
      () => true,
      () => false,
    );
    await this.server.end('SIGTERM', answers ? serverEndMilliseconds : unansweredEndMilliseconds);
    await this.#endEngine();
  }

  /** An engine that a gateway has left behind, as one that had to be killed does. */
  async #endEngine(): Promise<void> {
    const engines = findProcesses(
      (words) => words.includes('--runtime-directory') && words.includes(this.#runtimeDirectory),
    );
    for (const engine of engines) {
      this.#options.logger.warn({ processId: engine.processId }, 'the engine is left alone and is ended');
      signalProcess(engine, 'SIGKILL');
      while (isRunning(engine)) await sleep(lookMilliseconds / 10);
    }
  }

  #launch(name: MonitoredProcess): Launch {
    if (this.#wanted === undefined) throw new Error('no release is chosen yet');
    const { directory, environment } = this.#options;
    const release = this.#wanted[name];
    const command =
      name === 'server'
        ? [
            ...release.commands.gateway,
            'run',
            '--config',
            join(directory, 'gateway.json'),
            '--replace-engine',
          ]
        : [...release.commands.agent, 'run', '--directory', directory];
    return {
      version: release.version,
      command,
      directory: release.directory,
      environment: {
        ...environment,
        ...(release.engine === undefined ? {} : { CULVERT_ENGINE: release.engine }),
      },
    };
  }
}

/** A file that no monitor has written says nothing; the processes themselves refuse to run twice. */
function readRecords(file: string, logger: Logger): ProcessRecords {
  try {
    return new ProcessRecords(file);
  } catch (error) {
    logger.error({ file, reason: String(error) }, 'the list of processes cannot be read and is begun anew');
    rmSync(file);
    return new ProcessRecords(file);
  }
}
