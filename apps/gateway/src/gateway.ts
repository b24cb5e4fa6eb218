import { setTimeout as sleep } from 'node:timers/promises';
import { describeFinding, type Finding, type Findings, type GatewayStatus } from '@culvert/contracts';
import type { LevelControl } from '@culvert/logging/level-control.ts';
import type { Logger } from 'pino';
import { type AdministrationServer, serveAdministration } from './administration/server.ts';
import { appearanceOf, certificateFiles, RestedChange } from './configuration/certificate-watch.ts';
import { restartProblems } from './configuration/changes.ts';
import { loadConfiguration } from './configuration/load.ts';
import type { LoadedConfiguration } from './configuration/loaded-configuration.ts';
import { readSiteCertificate } from './configuration/referenced-files.ts';
import { engineConfiguration } from './engine/engine-configuration.ts';
import { engineBinary } from './engine/process.ts';
import { EngineSupervisor } from './engine/supervisor.ts';
import type { FrontPlace } from './measurements/front.ts';
import { Measurements } from './measurements/measurements.ts';
import { runCommand } from './network/command.ts';
import { HostNetwork } from './network/host-network.ts';
import { tunnelNetwork } from './network/tunnel-network.ts';
import { isServed, makeRuntimeDirectory, runtimePaths, shareWithEngine } from './runtime-directory.ts';
import { createTunnelService, type TunnelService } from './service.ts';
import { gatewayVersion } from './version.ts';

export interface GatewayOptions {
  configuration: LoadedConfiguration;
  logger: Logger;
  /** Changes the level of `logger` for a time. */
  logLevel: LevelControl;
  environment: NodeJS.ProcessEnv;
  /** See `EngineSupervisorOptions`. */
  replaceForeignEngine?: boolean;
  /** Called when an administrator has asked for a hand over: the process is to call `handOver` and to end. */
  onHandOverAsked: () => void;
}

/** The gateway cannot start; the message tells the administrator what to do. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

export interface ReloadResult extends Findings {
  /** False means that the configuration of before stays in use. */
  applied: boolean;
  /** True when the file is good, and only a gateway that starts can take it over. */
  needsRestart: boolean;
}

/** How often the files of the certificate are looked at; a change is acted on at the second look. */
const certificateLookMilliseconds = 2000;

/** Starts a gateway; resolves when devices can connect. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const gateway = new Gateway(options);
  try {
    await gateway.start();
    return gateway;
  } catch (error) {
    await gateway
      .abandon()
      .catch((reason) => options.logger.warn({ reason: String(reason) }, 'cannot clean up'));
    throw error;
  }
}

/** A running gateway: owns every part that lives as long as the process. */
export class Gateway {
  #configuration: LoadedConfiguration;
  readonly logLevel: LevelControl;
  readonly #logger: Logger;
  readonly #paths;
  readonly #engine: EngineSupervisor;
  readonly #network: HostNetwork;
  readonly measurements: Measurements;
  readonly #startedAt = Date.now();
  readonly #onHandOverAsked: () => void;
  #service: TunnelService | undefined;
  #administration: AdministrationServer | undefined;
  #certificateTimer: NodeJS.Timeout | undefined;
  /** Reloads run one after the other. */
  #reloading: Promise<unknown> = Promise.resolve();

  constructor(options: GatewayOptions) {
    const { configuration, logger, environment, replaceForeignEngine = false } = options;
    this.#configuration = configuration;
    this.#onHandOverAsked = options.onHandOverAsked;
    this.logLevel = options.logLevel;
    this.#logger = logger;
    this.#paths = runtimePaths(configuration.standalone.stateDirectory);
    const { runtimeDirectory, logDirectory } = this.#paths;
    this.#network = new HostNetwork({ runtimeDirectory, logger, run: runCommand });
    this.#engine = new EngineSupervisor({
      binary: engineBinary(environment),
      runtimeDirectory,
      logDirectory,
      logger,
      replaceForeign: replaceForeignEngine,
      configuration: () => engineConfiguration(this.#configuration),
      onEvent: (event) => this.#service?.onEngineEvent(event),
      onReady: () => this.#engineReady(),
      onLost: () => this.#service?.onEngineLost(),
    });
    this.measurements = new Measurements({
      front: () => this.#front(),
      isEngineConnected: () => this.#engine.connected,
      freeAddress: () => this.service.freeAddress(),
    });
  }

  /** Use `startGateway`, which cleans up after a start that fails half-way. */
  async start(): Promise<void> {
    const { stateDirectory } = this.#configuration.standalone;
    await makeRuntimeDirectory(stateDirectory, this.#paths);
    const { adminSocket, relaySocket } = this.#paths;
    if (await isServed(adminSocket)) {
      throw new StartError(`a gateway already runs with the state directory ${stateDirectory}`);
    }
    this.#administration = await serveAdministration(adminSocket, this);
    // A socket of a killed gateway; the engine holds new connections meanwhile.
    await isServed(relaySocket);
    this.#service = await createTunnelService({
      configuration: this.#configuration,
      engine: this.#engine,
      stateDirectory,
      logger: this.#logger,
    });
    await this.#service.listen(relaySocket);
    await shareWithEngine(relaySocket, 0o660);
    await this.#network.prepare(this.#tunnelNetwork());
    await this.#engine.start();
    this.#watchCertificate();
  }

  /** Sends nobody new here for a while, so that a load balancer finds out before tunnels end. */
  async drain(): Promise<void> {
    const { drainSeconds } = this.#configuration.standalone;
    if (drainSeconds === 0) return;
    this.#logger.info({ drainSeconds }, 'draining: probes and new devices get 503, tunnels go on');
    this.#service?.drain();
    await sleep(drainSeconds * 1000);
  }

  /** Ends everything: tunnels, engine, firewall, sockets. The sessions stay on disk. */
  async stop(): Promise<void> {
    clearInterval(this.#certificateTimer);
    this.logLevel.close();
    await this.#reloading;
    // A gateway that never owned the state directory must not take anything away from the one that does.
    if (this.#administration === undefined) return;
    await this.#service?.close();
    await this.#engine.stop({ end: true });
    await this.#network.remove(this.#tunnelNetwork());
    await this.#administration.close();
  }

  /** Asks the process for `handOver`. */
  askForHandOver(): void {
    this.#onHandOverAsked();
  }

  /**
   * Ends this gateway only: answers under way are finished and everything is written down, while the engine goes on with
   * listening, tunnels, firewall and connections that wait, until the next gateway takes it over.
   */
  async handOver(): Promise<void> {
    clearInterval(this.#certificateTimer);
    this.logLevel.close();
    await this.#reloading;
    await this.#service?.finish();
    await this.#engine.stop({ end: false });
    await this.#administration?.close();
  }

  /** Runs the engine of this gateway in place of another one. False when it runs already. */
  replaceEngine(): Promise<boolean> {
    const { listenPort } = this.#configuration.standalone.serverConfiguration;
    return this.#oneByOne(() =>
      this.#network.holdConnections(this.#tunnelNetwork(), listenPort, () => this.#engine.replace()),
    );
  }

  /** After a start that failed. An engine of an earlier gateway keeps its tunnels, and with them the firewall. */
  async abandon(): Promise<void> {
    if (!this.#engine.foundRunning) return this.stop();
    await this.#service?.close();
    await this.#engine.stop({ end: false });
    await this.#administration?.close();
  }

  /** Reads the file again; a bad one changes nothing, and every problem comes back. */
  reload(): Promise<ReloadResult> {
    return this.#oneByOne(async () => {
      this.#logger.debug({ file: this.#configuration.file }, 'reading the configuration again');
      const loaded = await loadConfiguration(this.#configuration.file, {
        onPasswordProblem: (problem) => this.#logger.warn(problem),
      });
      const { configuration, problems, warnings } = loaded;
      const refused =
        configuration === undefined ? problems : restartProblems(this.#configuration, configuration);
      if (configuration === undefined || refused.length > 0)
        return this.#keep(refused, warnings, configuration !== undefined);
      return this.#apply(configuration, warnings);
    });
  }

  async status(): Promise<GatewayStatus> {
    const { file, standalone } = this.#configuration;
    const { connected, running } = this.#engine;
    const { listenAddresses, proxyProtocol } = standalone;
    const counters = this.service.counters();
    return {
      version: gatewayVersion,
      processId: process.pid,
      file,
      publicAddress: standalone.publicAddress,
      listenPort: standalone.serverConfiguration.listenPort,
      startedAt: this.#startedAt,
      ...(listenAddresses === undefined ? {} : { listenAddresses }),
      proxyProtocol,
      engine: {
        connected,
        ...running,
        counters: connected ? await this.#engine.status().catch(() => ({})) : {},
      },
      sessions: {
        connected: counters.sessionsConnected ?? 0,
        away: counters.sessionsAway ?? 0,
        capacity: this.service.capacity,
      },
      counters,
      totals: this.service.totals(),
      tunnel: this.#tunnelFacts(),
    };
  }

  /** For the commands of the administrator; they are served only once it is there. */
  get service(): TunnelService {
    if (this.#service === undefined) throw new StartError('the gateway is still starting');
    return this.#service;
  }

  #tunnelFacts(): GatewayStatus['tunnel'] {
    const { standalone, settings } = this.#configuration;
    const { network, ipv6Network, dnsServers, splitDNS, defaultDomainSuffix, routeIncludes, routeExcludes } =
      standalone.serverConfiguration;
    return {
      interface: standalone.tunnelInterface,
      network,
      ...(ipv6Network === undefined ? {} : { ipv6Network }),
      mtu: this.#tunnelNetwork().mtu,
      deadPeerDetectionSeconds: settings.deadPeerDetectionSeconds,
      dnsServers,
      splitDns: splitDNS,
      ...(defaultDomainSuffix === undefined ? {} : { defaultDomainSuffix }),
      routeIncludes,
      routeExcludes,
    };
  }

  #tunnelNetwork() {
    return tunnelNetwork(this.#configuration.standalone, this.#configuration.settings);
  }

  #front(): FrontPlace {
    const { publicAddress, listenAddresses, proxyProtocol, serverConfiguration } =
      this.#configuration.standalone;
    return { publicAddress, listenAddresses, proxyProtocol, listenPort: serverConfiguration.listenPort };
  }

  async #engineReady(): Promise<void> {
    await this.#network.raise(this.#tunnelNetwork());
    await this.#service?.onEngineReady();
    const { publicAddress, serverConfiguration } = this.#configuration.standalone;
    this.#logger.info({ publicAddress, port: serverConfiguration.listenPort }, 'devices can connect');
  }

  #keep(problems: Finding[], warnings: Finding[], needsRestart = false): ReloadResult {
    for (const problem of problems) this.#logger.error({ field: problem.path }, describeFinding(problem));
    this.#logger.error({ problems: problems.length }, 'the configuration of before stays in use');
    return { applied: false, needsRestart, problems, warnings };
  }

  async #apply(configuration: LoadedConfiguration, warnings: Finding[]): Promise<ReloadResult> {
    const before = this.#configuration;
    try {
      if (this.#engine.connected) await this.#engine.configure(engineConfiguration(configuration));
      await this.#network.update(tunnelNetwork(configuration.standalone, configuration.settings));
    } catch (error) {
      if (this.#engine.connected) await this.#engine.configure(engineConfiguration(before)).catch(() => {});
      return this.#keep(
        [{ path: '', message: error instanceof Error ? error.message : String(error) }],
        warnings,
      );
    }
    this.#configuration = configuration;
    this.#service?.reconfigure(configuration);
    for (const warning of warnings) this.#logger.warn({ field: warning.path }, describeFinding(warning));
    this.#logger.info('the configuration was read again and applied');
    return { applied: true, needsRestart: false, problems: [], warnings };
  }

  #watchCertificate(): void {
    const change = new RestedChange();
    const look = async () => {
      const appearance = await appearanceOf(certificateFiles(this.#configuration.standalone.tls));
      if (change.look(appearance)) await this.#oneByOne(() => this.#reloadCertificate());
    };
    this.#certificateTimer = setInterval(() => {
      look().catch((error) =>
        this.#logger.error({ reason: String(error) }, 'cannot look at the certificate'),
      );
    }, certificateLookMilliseconds);
    this.#certificateTimer.unref();
  }

  /** Only the certificate: the rest of the file may be in the middle of being edited. */
  async #reloadCertificate(): Promise<void> {
    const { tls, publicAddress } = this.#configuration.standalone;
    const findings: Findings = { problems: [], warnings: [] };
    const site = await readSiteCertificate(tls, publicAddress, new Date(), findings);
    if (site?.certificate === undefined) this.#keep(findings.problems, findings.warnings);
    else await this.#apply({ ...this.#configuration, certificate: site.certificate }, findings.warnings);
  }

  #oneByOne<Result>(task: () => Promise<Result>): Promise<Result> {
    const result = this.#reloading.then(task);
    this.#reloading = result.catch(() => {});
    return result;
  }
}
