import type { FastifyInstance } from 'fastify';
import type { TestContext } from '../testing/application.ts';
import { configurationExample, GraphCaller, siteExample } from '../testing/graph.ts';
import { upgradeAtCheckIn } from './check-in.ts';
import { advanceEverySite } from './work.ts';

/** A site with servers that check in, as the control plane sees them. */
export class FleetOfTest {
  readonly graph: GraphCaller;
  readonly #context: TestContext;

  constructor(context: TestContext, application: FastifyInstance) {
    this.#context = context;
    this.graph = new GraphCaller(application);
  }

  async site(properties: Record<string, unknown>, ...servers: string[]) {
    const configuration = await this.graph.post('microsoftTunnelConfigurations', configurationExample);
    const { body } = await this.graph.post('microsoftTunnelSites', {
      ...siteExample(configuration.body.id),
      ...properties,
    });
    const site = new SiteOfTest(this.#context, this.graph, String(body.id));
    for (const name of servers) await site.join(name);
    return site;
  }

  async release(version: string, properties: Record<string, unknown> = {}) {
    return this.graph.post('/api/v1/releases', { version, ...properties });
  }
}

export class SiteOfTest {
  readonly id: string;
  readonly #context: TestContext;
  readonly #graph: GraphCaller;
  readonly #servers = new Map<string, { id: string; version: string }>();

  constructor(context: TestContext, graph: GraphCaller, id: string) {
    this.#context = context;
    this.#graph = graph;
    this.id = id;
  }

  async join(name: string, version = '1.0.0'): Promise<void> {
    const url = `microsoftTunnelSites/${this.id}/microsoftTunnelServers`;
    const { body } = await this.#graph.post(url, { displayName: name });
    this.#servers.set(name, { id: String(body.id), version });
    await this.checkIn(name);
  }

  serverId(name: string): string {
    return this.#server(name).id;
  }

  #server(name: string) {
    const server = this.#servers.get(name);
    if (server === undefined) throw new Error(`there is no server ${name}`);
    return server;
  }

  /** The server runs this version when it checks in next. */
  switchTo(name: string, version: string): void {
    this.#server(name).version = version;
  }

  /** A check-in; resolves to the version that it is told to run. */
  async checkIn(
    name: string,
    report: Partial<Record<'version' | 'state' | 'reason', string>> = {},
    { hasGateway = true } = {},
  ) {
    const { id, version } = this.#server(name);
    const now = this.#context.now();
    const { engine, tables } = this.#context.database;
    return tables.transaction().execute(async (transaction) => {
      const columns = {
        host_name: name,
        agent_version: version,
        gateway_version: hasGateway ? version : null,
        last_check_in_at: now.toISOString(),
        connected: 0,
        away: 0,
        capacity: 100,
        logs_are_verbose: 0,
        reasons: '{}',
        latest: '{}',
        upgrade_version: report.version ?? null,
        upgrade_state: report.state ?? null,
        upgrade_reason: report.reason ?? null,
        upgrade_at: report.state === undefined ? null : now.toISOString(),
      };
      await transaction
        .insertInto('server_states')
        .values({ server_id: id, ...columns })
        .onConflict((conflict) => conflict.column('server_id').doUpdateSet(columns))
        .execute();
      return upgradeAtCheckIn({ engine, tables: transaction }, id, now);
    });
  }

  /** Time goes by; every server checks in each ten seconds and does what it is told. */
  async live(seconds: number): Promise<void> {
    for (let passed = 0; passed < seconds; passed += 10) {
      this.#context.pass(10_000);
      for (const name of this.#servers.keys()) {
        const { desiredVersion } = await this.checkIn(name);
        if (desiredVersion !== undefined) this.switchTo(name, desiredVersion);
      }
      if (passed % 30 === 0) await this.look();
    }
  }

  async look(): Promise<void> {
    await advanceEverySite(this.#context, new AbortController().signal);
  }

  versions(): Record<string, string> {
    return Object.fromEntries([...this.#servers].map(([name, { version }]) => [name, version]));
  }

  async history() {
    const { body } = await this.#graph.get(`/api/v1/sites/${this.id}/upgrades`);
    return body;
  }

  /** The newest upgrade, with its servers by name. */
  async newest() {
    const [{ id }] = (await this.history()).value;
    const { body } = await this.#graph.get(`/api/v1/sites/${this.id}/upgrades/${id}`);
    const servers = body.servers.map((one: { displayName: string; state: string }) => [
      one.displayName,
      one.state,
    ]);
    return { ...body, servers: Object.fromEntries(servers) };
  }

  async isAvailable(): Promise<boolean> {
    return (await this.#graph.get(`microsoftTunnelSites/${this.id}`)).body.upgradeAvailable;
  }

  upgrade(path = '', body?: unknown) {
    return this.#graph.post(`/api/v1/sites/${this.id}/upgrades${path}`, body);
  }
}
