import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { CheckIn, Command, CommandOrder, HealthReasons } from '@culvert/contracts';
import type { ControlPlane } from '@culvert/control-plane-client/control-plane.ts';
import { Refused } from '@culvert/control-plane-client/failures.ts';
import type { HttpProxy } from '@culvert/control-plane-client/proxy.ts';
import type { UnderstoodAnswer } from '@culvert/control-plane-client/understood-answer.ts';
import type { Logger } from 'pino';
import { checkInOf } from './check-in/gather.ts';
import { KeptSamples } from './check-in/kept-samples.ts';
import { CheckInLoop } from './check-in/loop.ts';
import { endsMembership } from './check-in/machine.ts';
import { takeSamples } from './check-in/sampling.ts';
import { type CommandTools, carryOut, resume } from './commands/carry-out.ts';
import { RememberedCommands } from './commands/remembered-commands.ts';
import { ServerConfigurations } from './configuration/server-configurations.ts';
import { GatewayClient } from './gateway/gateway-client.ts';
import type { HealthSource } from './health/source.ts';
import { writeHostFiles } from './host-files/host-files.ts';
import type { HostLogs } from './host-logs.ts';
import type { HostPaths } from './host-paths.ts';
import { certificateOf } from './identity/identity.ts';
import { IdentityStore } from './identity/identity-store.ts';
import { Membership } from './joining/membership.ts';
import { Lane } from './lane.ts';
import { MonitorClient } from './monitor/monitor-client.ts';
import { CertificateRenewal } from './renewal/certificate-renewal.ts';
import type { LocalStatus } from './status/local-status.ts';
import { type StatusServer, serveStatus } from './status/status-server.ts';
import { Upgrades } from './upgrades/upgrades.ts';

export interface AgentOptions {
  paths: HostPaths;
  version: string;
  logger: Logger;
  health: HealthSource;
  /** Sends over the way to the control plane of the moment. */
  logs: (controlPlane: () => ControlPlane) => HostLogs;
  /** Of the settings of this host. */
  proxy: HttpProxy | undefined;
  environment: NodeJS.ProcessEnv;
  now?: () => Date;
  random?: () => number;
}

/** Milliseconds that work under way is given when the agent is told to end. */
const endMilliseconds = 2_000;

/** The agent of one server: keeps it joined, checks in, and carries out what it is told. The gateway never waits for it. */
export class Agent {
  readonly #options: AgentOptions;
  readonly #logger: Logger;
  readonly #now: () => Date;
  readonly #ended = new AbortController();
  readonly #gateway: GatewayClient;
  readonly #samples: KeptSamples;
  readonly #commands: RememberedCommands;
  readonly #configurations: ServerConfigurations;
  readonly #upgrades: Upgrades;
  readonly #membership: Membership;
  readonly #logs: HostLogs;
  readonly #renewal: CertificateRenewal;
  readonly #loop: CheckInLoop;
  readonly #tools: CommandTools;
  /** What changes the gateway goes one after the other, and may take minutes. */
  readonly #serverLane = new Lane();
  readonly #certificateLane = new Lane();
  /** What is done in a moment: it waits for no restart. */
  readonly #quickLane = new Lane();
  #reasons: HealthReasons = {};
  #lastCheckIn: string | undefined;
  #trouble: string | undefined;
  #statusServer: StatusServer | undefined;

  constructor(options: AgentOptions) {
    const { paths, logger, now = () => new Date(), random = Math.random } = options;
    this.#options = options;
    this.#logger = logger;
    this.#now = now;
    const { signal } = this.#ended;
    const file = (name: string) => join(paths.agentDirectory, name);
    const store = new IdentityStore(paths.agentDirectory);
    const monitor = new MonitorClient(paths.monitorSocket);
    this.#gateway = new GatewayClient(paths.adminSocket);
    this.#samples = new KeptSamples(file('samples.jsonl'), logger);
    this.#commands = new RememberedCommands(file('commands.json'));
    this.#configurations = new ServerConfigurations({ paths, gateway: this.#gateway, monitor, logger, now });
    this.#upgrades = new Upgrades({ monitor, logger, now, signal, changed: () => this.#loop.news() });
    this.#membership = new Membership({
      ...options,
      store,
      tokenFile: paths.joinTokenFile,
      now,
      random,
      signal,
    });
    this.#logs = options.logs(() => this.#membership.controlPlane());
    this.#renewal = new CertificateRenewal({
      store,
      membership: this.#membership,
      logger,
      now,
      random,
      prove: (controlPlane) => this.#prove(controlPlane),
      replaced: () => this.#loop.joined(),
    });
    this.#loop = new CheckInLoop({
      controlPlane: () => this.#membership.controlPlane(),
      gather: () => this.#gather(),
      answered: (told, answer) => this.#answered(told, answer),
      failed: (error) => this.#failed(error),
      random,
      clock: () => performance.now(),
    });
    this.#tools = {
      gateway: this.#gateway,
      restartServer: () => this.#configurations.restart(),
      renewCertificate: () => this.#renewal.renew(),
      logs: this.#logs,
    };
  }

  /** Resolves when the agent is told to end, or rejects when it cannot run here. */
  async run(): Promise<void> {
    const { paths, logger } = this.#options;
    const { signal } = this.#ended;
    await mkdir(paths.agentDirectory, { recursive: true, mode: 0o700 });
    this.#statusServer = await serveStatus(paths.agentSocket, () => this.status());
    await this.#commands.load(({ message }) => logger.error(message));
    await this.#samples.load();
    await this.#configurations.load();
    const sampling = takeSamples({
      source: this.#options.health,
      logger,
      now: this.#now,
      signal,
      keep: (sample, reasons, isNews) => this.#keep(sample, reasons, isNews),
    });
    const finished = this.#finishWhatWasCutOff();
    await this.#membership.joined();
    if (!signal.aborted) {
      await this.#logs.resume();
      await this.#renewal.takeUp();
      this.#loop.start();
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    }
    await Promise.race([
      Promise.all([sampling, finished, ...this.#lanes().map((lane) => lane.ended())]),
      new Promise((resolve) => setTimeout(resolve, endMilliseconds).unref()),
    ]);
  }

  /** Ends within seconds. What it does to the gateway at this moment is finished at the next start. */
  async stop(): Promise<void> {
    this.#loop.stop();
    this.#ended.abort();
    await this.#membership.close();
    await this.#logs.close();
    await this.#options.health.close();
    await this.#statusServer?.close();
  }

  status(): LocalStatus {
    const { identity, trouble } = this.#membership;
    const problem = trouble ?? this.#trouble;
    const { appliedRevision } = this.#configurations.state;
    return {
      version: this.#options.version,
      joined: identity !== undefined,
      ...(identity === undefined
        ? {}
        : {
            serverId: identity.membership.serverId,
            siteId: identity.membership.siteId,
            controlPlane: identity.membership.url,
            certificateNotAfter: certificateOf(identity.credentials).validToDate.toISOString(),
          }),
      ...(this.#lastCheckIn === undefined ? {} : { lastCheckInAt: this.#lastCheckIn }),
      ...(problem === undefined ? {} : { problem }),
      ...(appliedRevision === undefined ? {} : { appliedRevision }),
    };
  }

  async #keep(
    sample: Parameters<KeptSamples['add']>[0],
    reasons: HealthReasons,
    isNews: boolean,
  ): Promise<void> {
    this.#reasons = reasons;
    await this.#samples.add(sample);
    if (isNews) this.#loop.news();
  }

  async #gather(): Promise<CheckIn> {
    const [gateway, upgrade] = await Promise.all([
      this.#gateway.status().catch(() => undefined),
      this.#upgrades.report(),
    ]);
    return checkInOf({
      now: this.#now(),
      agentVersion: this.#options.version,
      gateway,
      upgrade,
      configuration: this.#configurations.state,
      samples: this.#samples.oldest(),
      reasons: this.#reasons,
      commandResults: this.#commands.toReport(),
      logsAreVerbose: this.#logs.areVerbose,
    });
  }

  /** A check-in with a certificate that was not used yet. */
  async #prove(controlPlane: { checkIn(told: CheckIn): Promise<UnderstoodAnswer> }): Promise<void> {
    // Samples and results go with the usual check-ins, so that none goes twice at a time.
    const told = { ...(await this.#gather()), samples: [], commandResults: [] };
    await this.#answered(told, await controlPlane.checkIn(told));
  }

  async #answered(told: CheckIn, answer: UnderstoodAnswer): Promise<void> {
    if (answer.notUnderstood.length > 0) {
      this.#logger.warn(
        { notUnderstood: answer.notUnderstood },
        'the control plane is newer than this agent and wants what it does not know: upgrade this server',
      );
    }
    if (this.#trouble !== undefined) this.#logger.info('the control plane answers again');
    this.#trouble = undefined;
    this.#membership.isWell();
    this.#lastCheckIn = this.#now().toISOString();
    await this.#tellHost();
    await this.#samples.acknowledge(told.samples);
    await this.#commands.acknowledge(told.commandResults);
    this.#options.health.configure(answer.settings);
    // Sends logs, which may take long.
    void this.#logs.checkedIn(answer.settings);
    const { configuration } = answer;
    if (configuration !== undefined) {
      this.#inBackground(this.#serverLane, async () => {
        if (await this.#configurations.apply(configuration)) this.#loop.news();
      });
    }
    for (const command of answer.commands) await this.#begin(command);
    if (answer.desiredVersion !== undefined) {
      this.#inBackground(this.#serverLane, () => this.#upgrades.want(answer.desiredVersion));
    }
    if (this.#renewal.isDue()) {
      this.#inBackground(this.#certificateLane, async () => {
        // A command may have renewed it meanwhile.
        if (this.#renewal.isDue()) await this.#renewal.renew();
      });
    }
    if (this.#samples.count > 0 && told.samples.length > 0) this.#loop.news();
  }

  /** With each check-in, so that a file that could not be written, or was removed, comes back. */
  async #tellHost(): Promise<void> {
    const { identity } = this.#membership;
    if (identity === undefined) return;
    const { membership, credentials } = identity;
    const { desired, appliedRevision } = this.#configurations.state;
    await writeHostFiles(this.#options.paths, {
      membership,
      certificate: {
        notAfter: certificateOf(credentials).validToDate,
        renewalAt: new Date(this.#renewal.dueAt(credentials)),
      },
      applied: desired?.revision === appliedRevision ? desired : undefined,
    }).catch((error: unknown) =>
      // A full disk is no reason not to act on what the control plane says.
      this.#logger.warn({ reason: String(error) }, 'the host cannot be told of this agent'),
    );
  }

  async #begin(command: Command): Promise<void> {
    if (!(await this.#commands.begin(command, this.#now()))) return;
    const { id, order } = command;
    this.#logger.info({ id, command: order.kind }, 'a command came from the control plane');
    this.#inBackground(this.#laneOf(order), async () => {
      await this.#end(id, await carryOut(order, this.#tools));
    });
  }

  async #end(id: string, outcome: Awaited<ReturnType<typeof carryOut>>): Promise<void> {
    this.#logger.info({ id, ...outcome }, 'a command has been carried out');
    await this.#commands.end({ id, ...outcome });
    this.#loop.news();
  }

  async #finishWhatWasCutOff(): Promise<void> {
    this.#inBackground(this.#serverLane, async () => {
      if (await this.#configurations.finish()) this.#loop.news();
    });
    for (const entry of this.#commands.cutOff()) {
      this.#inBackground(this.#laneOf(entry.order), async () => {
        await this.#end(entry.id, await resume(entry, this.#tools));
      });
    }
  }

  #lanes(): Lane[] {
    return [this.#serverLane, this.#certificateLane, this.#quickLane];
  }

  #laneOf({ kind }: CommandOrder): Lane {
    if (kind === 'restartServer') return this.#serverLane;
    return kind === 'renewCertificate' ? this.#certificateLane : this.#quickLane;
  }

  #inBackground(lane: Lane, task: () => Promise<unknown>): void {
    lane.run(task).catch((error: unknown) => {
      if (this.#ended.signal.aborted) return;
      this.#logger.error({ reason: error instanceof Error ? error.message : String(error) }, 'work failed');
    });
  }

  #failed(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    // The same trouble with every attempt would fill the log.
    if (reason !== this.#trouble) {
      this.#logger.error({ reason }, 'the control plane cannot be used; the gateway goes on as it is');
    }
    this.#trouble = reason;
    const hasEnded = error instanceof Refused && endsMembership.includes(error.code);
    void this.#membership.watchForToken(() => this.#loop.joined(), hasEnded);
  }
}
