import type { ConfigurationReport, DesiredConfiguration } from '@culvert/contracts';
import type { Logger } from 'pino';
import type { DamagedFile } from '../files/json-file.ts';
import type { GatewayClient } from '../gateway/gateway-client.ts';
import type { HostPaths } from '../host-paths.ts';
import type { MonitorClient } from '../monitor/monitor-client.ts';
import { type ApplyOptions, apply, finish } from './apply.ts';
import { type ConfigurationState, ConfigurationStore } from './configuration-store.ts';
import { readGatewayFile } from './gateway-file.ts';
import { healthCheck } from './health-check.ts';

export interface ServerConfigurationsOptions {
  paths: HostPaths;
  gateway: GatewayClient;
  monitor: MonitorClient;
  logger: Logger;
  now: () => Date;
}

/** Milliseconds for a gateway that was started again to be well. */
const restartPatience = 60_000;

/** The configuration of the gateway of this host as its site wants it. Its methods are called one after the other. */
export class ServerConfigurations {
  readonly #store: ConfigurationStore;
  readonly #apply: ApplyOptions;
  readonly #logger: Logger;
  state: ConfigurationState = {};

  constructor({ paths, gateway, monitor, logger, now }: ServerConfigurationsOptions) {
    this.#store = new ConfigurationStore(paths.agentDirectory);
    this.#logger = logger;
    const configuration = async () => (await readGatewayFile(paths.gatewayFile)).configuration;
    this.#apply = {
      gatewayFile: paths.gatewayFile,
      store: this.#store,
      gateway,
      monitor,
      isHealthy: healthCheck(gateway, configuration),
      now,
    };
  }

  async load(): Promise<void> {
    const damaged = ({ message }: DamagedFile) => this.#logger.error(message);
    this.state = (await this.#store.state.readOrPutAside(damaged)) ?? {};
  }

  /** Finishes or takes back what an earlier process was killed in. False when there was nothing. */
  async finish(): Promise<boolean> {
    const report = await finish(this.#apply, ({ message }) => this.#logger.error(message));
    if (report !== undefined) await this.#note(report);
    return report !== undefined;
  }

  /** False when it has been tried already. */
  async apply(desired: DesiredConfiguration): Promise<boolean> {
    if (this.state.report?.revision === desired.revision) return false;
    await this.#note(await apply(this.#apply, desired, 'reload'));
    return true;
  }

  /** Restarts the server, with the configuration that waits for it where there is one. Throws when it is not well then. */
  async restart(): Promise<string> {
    const { desired, appliedRevision } = this.state;
    if (desired !== undefined && desired.revision !== appliedRevision) {
      const report = await apply(this.#apply, desired, 'restart');
      await this.#note(report);
      if (report.status === 'failed') throw new Error(report.reason);
      return `the server was restarted with configuration ${desired.revision}`;
    }
    await this.#apply.monitor.restart('server');
    const trouble = await this.#apply.isHealthy(restartPatience);
    if (trouble !== undefined) throw new Error(`the server was restarted, but ${trouble}`);
    return 'the server was restarted';
  }

  async #note(report: ConfigurationReport): Promise<void> {
    await this.load();
    const { revision, status, reason } = report;
    if (status === 'applied') this.#logger.info({ revision }, 'the configuration of the site is in use');
    else this.#logger.error({ revision, reason }, 'the configuration of the site is not used');
  }
}
