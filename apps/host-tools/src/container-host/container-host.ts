import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { type MonitoredProcess, type MonitorStatus, monitoredProcesses } from '@culvert/contracts';
import { isRootless } from '../container-engine/choose-engine.ts';
import type { ContainerEngine, ImageState } from '../container-engine/container-engine.ts';
import type { HostLayout } from '../host-layout/host-layout.ts';
import { agentStatus, checkInProblem, hasReachedControlPlane } from '../monitor/agent-client.ts';
import { GatewayClient } from '../monitor/gateway-client.ts';
import type { Host, Watch } from '../monitor/host.ts';
import type { Before } from '../monitor/host-upgrade.ts';
import type { Logger } from '../monitor/logger.ts';
import { publicSideProblem } from '../monitor/public-side.ts';
import { compareVersions } from '../monitor/releases.ts';
import { settle } from '../monitor/settle.ts';
import { Failure } from '../program/failure.ts';
import { completeVersions, imageNames, imageRegistry } from './images.ts';
import { KeptContainer } from './kept-container.ts';
import { containerNames } from './names.ts';
import { readPort, readVariables } from './server-files.ts';
import { type ContainerSpecification, specify } from './specification.ts';
import { writeVersions } from './written-versions.ts';

export interface ContainerHostOptions extends Watch {
  layout: HostLayout;
  engine: ContainerEngine;
  /** The service account. */
  account: { userId: number; groupId: number };
  logger: Logger;
  /** How long a gateway must be well before an upgrade goes on. */
  settleMilliseconds: number;
  /** How long an agent has for its first check-in. */
  agentMilliseconds: number;
  /** How long a container may stay unhealthy. */
  patienceMilliseconds: number;
}

/** `drainSeconds` is 300 at most, and the rest takes seconds. */
const serverStopSeconds = 330;
/** A gateway that does not answer is not going to drain. */
const unansweredStopSeconds = 10;
const agentStopSeconds = 15;
/** How long the containers of an upgrade have until they are well. */
const startMilliseconds = 90_000;

/** The two containers of a server. They outlive the monitor. */
export class ContainerHost implements Host {
  readonly #options: ContainerHostOptions;
  readonly #containers: Readonly<Record<MonitoredProcess, KeptContainer>>;
  readonly #gateway: GatewayClient;
  #engineVersion: string | undefined;
  /** The versions that were written down last. */
  #told: string | undefined;

  constructor(options: ContainerHostOptions) {
    this.#options = options;
    const { layout, engine, logger, signal, patienceMilliseconds } = options;
    // Only asked for what it knows: whoever has taken over a container may put another socket there.
    this.#gateway = new GatewayClient(layout.adminSocket);
    const common = { engine, logger, signal, patienceMilliseconds };
    this.#containers = {
      server: new KeptContainer({
        ...common,
        process: 'server',
        stopSeconds: () =>
          this.#gateway.status().then(
            () => serverStopSeconds,
            () => unansweredStopSeconds,
          ),
      }),
      agent: new KeptContainer({ ...common, process: 'agent', stopSeconds: async () => agentStopSeconds }),
    };
  }

  adopt(): void {
    // An engine finds its containers again by their names.
  }

  statuses(now: number): MonitorStatus['processes'] {
    const { isStopped } = this.#options;
    const status = (name: MonitoredProcess) => this.#containers[name].status(now, isStopped(name));
    return { server: status('server'), agent: status('agent') };
  }

  async versions(): Promise<string[]> {
    try {
      return await versionsHere(this.#options.engine, this.#variables());
    } catch {
      // Whoever asks for the status hears the rest of it; the look at the containers fails by the same cause and tells it.
      return [];
    }
  }

  async expect(version: string): Promise<void> {
    const registry = imageRegistry(this.#variables());
    if (registry !== undefined) return;
    for (const name of monitoredProcesses) {
      if ((await this.#findImage(name, version)) === undefined) throw this.#noImage(name, version);
    }
  }

  async run(): Promise<void> {
    const { isStopped, wanted } = this.#options;
    const versions = wanted();
    // Everything is here before anything is changed.
    for (const name of monitoredProcesses) await this.#haveImage(name, versions[name]);
    for (const name of monitoredProcesses) {
      if (!isStopped(name)) await this.#containers[name].ensure(await this.#specify(name));
    }
    await this.#tellVersions();
  }

  async before(): Promise<Before> {
    const { layout } = this.#options;
    const [sessions, agent, publicProblem] = await Promise.all([
      this.#gateway.connectedSessions().catch(() => []),
      agentStatus(layout.agentSocket).catch(() => undefined),
      this.#publicSideProblem(),
    ]);
    // Without the engine: it ends with its container, and its tunnels with it.
    return {
      sessions,
      controlPlaneReached: agent !== undefined && hasReachedControlPlane(agent),
      publicSideReached: publicProblem === undefined,
    };
  }

  async gatewayProblem(before: Before): Promise<string | undefined> {
    const { settleMilliseconds, signal } = this.#options;
    const look = async () => {
      const { state, health } = await this.#containers.server.inspect();
      if (state !== 'running')
        return `${containerNames.server} is ${state}; its log says why: mst-cli server logs`;
      if (health !== 'healthy')
        return `${containerNames.server} is not healthy (${health}); its log says why: mst-cli server logs`;
      return before.publicSideReached === true ? this.#publicSideProblem() : undefined;
    };
    return settle(look, { withinMilliseconds: startMilliseconds, settleMilliseconds }, signal);
  }

  async agentProblem(before: Before): Promise<string | undefined> {
    const { layout, agentMilliseconds, signal } = this.#options;
    const { startedAt } = await this.#containers.agent.inspect();
    const since = startedAt === undefined ? Date.now() : Date.parse(startedAt);
    const rule = { withinMilliseconds: agentMilliseconds, settleMilliseconds: 0 };
    return settle(() => checkInProblem(layout.agentSocket, since, before), rule, signal);
  }

  async replaceEngine(): Promise<void> {
    // It came with the container of the gateway.
  }

  async start(name: MonitoredProcess): Promise<void> {
    await this.#haveImage(name, this.#options.wanted()[name]);
    await this.#containers[name].ensure(await this.#specify(name));
    await this.#tellVersions();
  }

  stop(name: MonitoredProcess): Promise<void> {
    return this.#containers[name].stop();
  }

  async restart(name: MonitoredProcess): Promise<void> {
    await this.#haveImage(name, this.#options.wanted()[name]);
    await this.#containers[name].restart(await this.#specify(name));
    await this.#tellVersions();
  }

  async look(): Promise<void> {
    const { isStopped } = this.#options;
    const troubles: unknown[] = [];
    for (const name of monitoredProcesses) {
      const container = this.#containers[name];
      try {
        if (isStopped(name)) await container.observe();
        else await container.look(() => this.#specifyUnlessTroubled(name, troubles));
      } catch (error) {
        troubles.push(error);
      }
    }
    if (troubles.length > 0) throw troubles[0];
    await this.#tellVersions();
  }

  reload(): Promise<void> {
    return this.#options.engine.signal(containerNames.server, 'SIGHUP');
  }

  async end(): Promise<void> {
    // Tunnels do not end with the monitor.
  }

  #variables(): ReadonlyMap<string, string> {
    return readVariables(this.#options.layout);
  }

  /** Undefined, and one trouble more, when something that it follows from cannot be read. */
  async #specifyUnlessTroubled(
    name: MonitoredProcess,
    troubles: unknown[],
  ): Promise<ContainerSpecification | undefined> {
    try {
      return await this.#specify(name);
    } catch (error) {
      troubles.push(error);
      return undefined;
    }
  }

  async #specify(name: MonitoredProcess): Promise<ContainerSpecification> {
    const { layout, engine, account, wanted } = this.#options;
    const version = wanted()[name];
    const variables = this.#variables();
    const image = await this.#findImage(name, version);
    if (image === undefined) throw this.#noImage(name, version);
    this.#engineVersion ??= await engine.version();
    return specify(name, {
      engine: engine.name,
      engineMajorVersion: Number.parseInt(this.#engineVersion, 10),
      isRootless: isRootless(variables),
      image,
      version,
      port: name === 'server' ? readPort(layout) : 0,
      variables,
      account,
      directory: layout.directory,
      monitorDirectory: layout.monitor.runtimeDirectory,
      monitorSocket: layout.monitor.socket,
      hostName: hostname(),
      hasIpv6: existsSync('/proc/sys/net/ipv6'),
    });
  }

  async #haveImage(name: MonitoredProcess, version: string): Promise<void> {
    if ((await this.#findImage(name, version)) !== undefined) return;
    const { engine, logger } = this.#options;
    const registry = imageRegistry(this.#variables());
    if (registry === undefined) throw this.#noImage(name, version);
    const [image = ''] = imageNames(engine.name, name, version, registry);
    logger.info({ image }, 'pulling the image');
    await engine.pull(image);
  }

  async #findImage(
    name: MonitoredProcess,
    version: string,
  ): Promise<(ImageState & { name: string }) | undefined> {
    const { engine } = this.#options;
    for (const image of imageNames(engine.name, name, version, imageRegistry(this.#variables()))) {
      const found = await engine.inspectImage(image);
      if (found !== undefined) return { ...found, name: image };
    }
    return undefined;
  }

  #noImage(name: MonitoredProcess, version: string): Failure {
    const image = `${containerNames[name]}:${version}`;
    const { environmentFile } = this.#options.layout;
    return new Failure({
      en: `There is no image ${image} on this server, and ${environmentFile} names no registry (mst_image_registry). Name one, or load an archive: mstunnel-setup --images FILE`,
      ja: `イメージ ${image} がこのサーバーになく、${environmentFile} にレジストリ (mst_image_registry) も指定されていません。レジストリを指定するか、アーカイブを読み込んでください: mstunnel-setup --images ファイル名`,
    });
  }

  #publicSideProblem(): Promise<string | undefined> {
    try {
      const serverConfiguration = { listenPort: readPort(this.#options.layout) };
      return publicSideProblem({ serverConfiguration });
    } catch (error) {
      return Promise.resolve(error instanceof Error ? error.message : String(error));
    }
  }

  /** What is installed, for people and for the agent. A full disk must not keep anything from running. */
  async #tellVersions(): Promise<void> {
    const { engine, layout, logger, wanted } = this.#options;
    const versions = wanted();
    const told = `${versions.server} ${versions.agent}`;
    if (told === this.#told) return;
    const [server, agent] = await Promise.all([
      this.#findImage('server', versions.server),
      this.#findImage('agent', versions.agent),
    ]);
    if (server === undefined || agent === undefined) return;
    this.#engineVersion ??= await engine.version();
    try {
      writeVersions(layout, {
        version: versions.server,
        engine: { name: engine.name, version: this.#engineVersion },
        images: { server, agent },
      });
      this.#told = told;
    } catch (error) {
      logger.warn({ reason: String(error) }, 'the installed versions cannot be written down');
    }
  }
}

/** Versions of which both images are on this host, oldest first. */
export async function versionsHere(
  engine: ContainerEngine,
  variables: ReadonlyMap<string, string>,
): Promise<string[]> {
  const names = await engine.imageNames();
  return completeVersions(engine.name, names, imageRegistry(variables)).toSorted(compareVersions);
}
