import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pino from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { runProgram } from '../../../apps/agent/src/administration/program.ts';
import { Agent } from '../../../apps/agent/src/agent.ts';
import { TestHost } from '../../../apps/agent/src/testing/host.ts';
import { type ControlPlaneOfTests, startControlPlaneOfTests } from './control-plane.ts';

let controlPlane: ControlPlaneOfTests;
let host: TestHost;
let agents: { agent: Agent; ended: Promise<void> }[] = [];
const lines: Record<string, unknown>[] = [];

beforeAll(async () => {
  controlPlane = await startControlPlaneOfTests();
});
afterAll(() => controlPlane.stop());
beforeEach(async () => {
  host = await TestHost.make();
  await controlPlane.listenPort(host.port);
  await host.startGateway();
  await host.startMonitor();
});
afterEach(async () => {
  for (const { agent, ended } of agents) {
    await agent.stop();
    await ended;
  }
  agents = [];
  lines.length = 0;
  await host.remove();
});

function startAgent(): Agent {
  const logger = pino({ level: 'debug' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const agent = new Agent({
    paths: host.paths,
    version: '1.0.0',
    logger,
    proxy: undefined,
    environment: {},
    health: {
      sample: async () => ({ values: { cpuCores: 2 }, reasons: { latency: 'no engine' } }),
      configure: () => {},
      close: async () => {},
    },
    logs: () => ({
      areVerbose: false,
      collect: async () => {},
      resume: async () => {},
      checkedIn: async () => {},
      close: async () => {},
    }),
  });
  agents.push({ agent, ended: agent.run() });
  return agent;
}

async function endAgents(): Promise<void> {
  for (const { agent, ended } of agents.splice(0)) {
    await agent.stop();
    await ended;
  }
}

async function joinedAgent(): Promise<Agent> {
  await writeFile(host.paths.joinTokenFile, await controlPlane.joinToken());
  const agent = startAgent();
  await until(() => agent.status().appliedRevision !== undefined);
  return agent;
}

const until = (condition: () => boolean | Promise<boolean>) =>
  vi.waitFor(async () => expect(await condition()).toBe(true), { timeout: 30_000, interval: 20 });
const states = () => controlPlane.context.database.tables.selectFrom('server_states').selectAll();
const stateOf = (agent: Agent) =>
  states()
    .where('server_id', '=', agent.status().serverId ?? '')
    .executeTakeFirst();

async function order(agent: Agent, commandOrder: object): Promise<string> {
  const id = crypto.randomUUID();
  const { database, now } = controlPlane.context;
  await database.tables
    .insertInto('server_commands')
    .values({
      id,
      server_id: agent.status().serverId ?? '',
      kind: (commandOrder as { kind: string }).kind,
      command_order: JSON.stringify(commandOrder),
      state: 'waiting',
      detail: null,
      created_by: 'test',
      created_at: now().toISOString(),
      expires_at: new Date(now().getTime() + 3_600_000).toISOString(),
      sent_at: null,
      finished_at: null,
    } as never)
    .execute();
  return id;
}

const commandState = async (id: string) =>
  controlPlane.context.database.tables
    .selectFrom('server_commands')
    .select(['state', 'detail'])
    .where('id', '=', id)
    .executeTakeFirstOrThrow();

describe('a server with a join token', () => {
  test('joins, deletes the token, checks in, and takes over the configuration of its site', async () => {
    const agent = await joinedAgent();
    await expect(stat(host.paths.joinTokenFile)).rejects.toThrow('ENOENT');
    expect((await stat(join(host.paths.agentDirectory, 'agent.key'))).mode & 0o777).toBe(0o600);
    await until(async () => (await stateOf(agent))?.applied_revision != null);
    const { publicAddress, tls } = await host.file();
    expect([publicAddress, tls]).toEqual(['vpn.example.com', host.document().tls]);
    const state = await stateOf(agent);
    expect(state).toMatchObject({ agent_version: '1.0.0', gateway_version: '1.0.0', connected: 2, away: 1 });
    expect(agent.status()).toMatchObject({ joined: true, appliedRevision: state?.applied_revision });
    expect(agent.status().problem).toBeUndefined();
  });

  test('waits for the token, and says so once', async () => {
    const agent = startAgent();
    await until(() => agent.status().problem !== undefined);
    expect(agent.status().problem).toContain(host.paths.joinTokenFile);
    await writeFile(host.paths.joinTokenFile, await controlPlane.joinToken());
    await until(() => agent.status().lastCheckInAt !== undefined);
    expect(lines.filter(({ msg }) => String(msg).includes('has not joined'))).toHaveLength(1);
    expect(agent.status().problem).toBeUndefined();
  });

  test('is taken over by the running agent when "agent join" was run', async () => {
    const agent = startAgent();
    await until(() => agent.status().problem !== undefined);
    const said: string[] = [];
    const terminal = {
      print: (text: string) => void said.push(text),
      complain: (text: string) => void said.push(text),
      readInput: () => controlPlane.joinToken(),
    };
    const parameters = ['join', '--directory', host.paths.directory, '--join-token', '-'];
    expect([await runProgram(parameters, terminal, { LANG: 'ja_JP.UTF-8' }), said]).toEqual([
      0,
      [expect.stringContaining('参加しました')],
    ]);
    await until(() => agent.status().lastCheckInAt !== undefined);
    expect(agent.status().problem).toBeUndefined();
    expect(await runProgram(parameters, terminal, {})).toBe(1);
    expect(said.at(-1)).toContain('add --again');
  });

  test('says why a token does not do, and takes the next one', async () => {
    const token = await controlPlane.joinToken();
    await writeFile(host.paths.joinTokenFile, token.slice(0, -4));
    const agent = startAgent();
    await until(() => agent.status().problem?.includes('no join token') === true);
    await writeFile(host.paths.joinTokenFile, token);
    await until(() => agent.status().lastCheckInAt !== undefined);
  });
});

describe('a server that has joined', () => {
  test('is the same one after its agent was ended and started', async () => {
    const agent = await joinedAgent();
    const { serverId } = agent.status();
    await endAgents();
    const again = startAgent();
    await until(() => again.status().lastCheckInAt !== undefined);
    expect(again.status().serverId).toBe(serverId);
  });

  test('joins again under its old record when its certificate was revoked and a token appears', async () => {
    const agent = await joinedAgent();
    const { serverId } = agent.status();
    const { tables } = controlPlane.context.database;
    await tables
      .updateTable('agent_certificates')
      .set({ revoked_at: new Date().toISOString() })
      .where('server_id', '=', serverId ?? '')
      .execute();
    await endAgents();
    const again = startAgent();
    await until(() => again.status().problem?.includes('revoked') === true);
    await writeFile(host.paths.joinTokenFile, await controlPlane.joinToken(serverId));
    await until(() => again.status().problem === undefined && again.status().lastCheckInAt !== undefined);
    expect(again.status().serverId).toBe(serverId);
    expect(host.monitorCalls).toEqual([]);
  });

  test('whose key was lost keeps its configuration, names the file, and joins again with a token', async () => {
    const agent = await joinedAgent();
    const { serverId } = agent.status();
    await endAgents();
    await rm(join(host.paths.agentDirectory, 'agent.key'));
    const before = await readFile(host.paths.gatewayFile, 'utf8');
    const again = startAgent();
    await until(() => again.status().problem?.includes('agent.key is missing') === true);
    expect(await readFile(host.paths.gatewayFile, 'utf8')).toBe(before);
    await writeFile(host.paths.joinTokenFile, await controlPlane.joinToken(serverId));
    await until(() => again.status().lastCheckInAt !== undefined);
    expect(again.status().serverId).toBe(serverId);
  });

  test('stays the server that it is when a token lies there and its control plane was only away', async () => {
    const agent = await joinedAgent();
    const { serverId } = agent.status();
    await controlPlane.away();
    await endAgents();
    const token = await controlPlane.joinToken();
    await writeFile(host.paths.joinTokenFile, token);
    const again = startAgent();
    await until(() => again.status().problem?.includes('nothing listens') === true);
    await controlPlane.back();
    await until(() => again.status().lastCheckInAt !== undefined);
    expect([again.status().serverId, await readFile(host.paths.joinTokenFile, 'utf8')]).toEqual([
      serverId,
      token,
    ]);
  });

  test('keeps its samples while the control plane is away, and sends them when it is back', async () => {
    const agent = await joinedAgent();
    await controlPlane.away();
    await endAgents();
    const again = startAgent();
    await until(() => again.status().problem?.includes('nothing listens') === true);
    const kept = await readFile(join(host.paths.agentDirectory, 'samples.jsonl'), 'utf8');
    expect(kept.trim().split('\n').length).toBeGreaterThan(0);
    await controlPlane.back();
    await until(() => again.status().problem === undefined && again.status().lastCheckInAt !== undefined);
    expect((await stateOf(agent))?.latest).toContain('cpuCores');
  });

  test('renews its certificate when it is told, and uses the new one only', async () => {
    const agent = await joinedAgent();
    const file = join(host.paths.agentDirectory, 'agent.crt');
    const before = await readFile(file, 'utf8');
    const id = await order(agent, { kind: 'renewCertificate' });
    await endAgents();
    const again = startAgent();
    await until(async () => (await commandState(id)).state === 'done');
    expect(await readFile(file, 'utf8')).not.toBe(before);
    expect(again.status().problem).toBeUndefined();
  });

  test('disconnects a user once, and reports it', async () => {
    const agent = await joinedAgent();
    const id = await order(agent, { kind: 'disconnectUser', user: 'alice', message: 'Bye' });
    await endAgents();
    startAgent();
    await until(async () => (await commandState(id)).state === 'done');
    expect(host.disconnected).toEqual([{ user: 'alice', message: 'Bye' }]);
  });

  test('restarts its server through the monitor', async () => {
    const agent = await joinedAgent();
    const id = await order(agent, { kind: 'restartServer' });
    await endAgents();
    startAgent();
    await until(async () => (await commandState(id)).state === 'done');
    expect(host.monitorCalls).toEqual([{ path: '/restart', body: { process: 'server' } }]);
  });

  test('disconnects a user at once while a restart takes long', async () => {
    const agent = await joinedAgent();
    const restarted = Promise.withResolvers<void>();
    host.beforeRestart = () => restarted.promise;
    const restart = await order(agent, { kind: 'restartServer' });
    const disconnect = await order(agent, { kind: 'disconnectUser', user: 'alice' });
    await endAgents();
    startAgent();
    await until(async () => (await commandState(disconnect)).state === 'done');
    expect((await commandState(restart)).state).toBe('sent');
    restarted.resolve();
    await until(async () => (await commandState(restart)).state === 'done');
  });

  test.each(['commands.json', 'configuration.json', 'change.json'])(
    'goes on with what it can when %s is damaged',
    async (name) => {
      const agent = await joinedAgent();
      const { serverId } = agent.status();
      await endAgents();
      await writeFile(join(host.paths.agentDirectory, name), '{"');
      const again = startAgent();
      const told = () => lines.filter(({ msg }) => String(msg).includes(`${name} is damaged`));
      await until(() => {
        const { joined, appliedRevision } = again.status();
        return joined && appliedRevision !== undefined && told().length > 0;
      });
      expect(again.status()).toMatchObject({ serverId });
      expect(told()).toHaveLength(1);
    },
  );

  test('checks in and carries out commands although its disk keeps no samples', async () => {
    const agent = await joinedAgent();
    await endAgents();
    await mkdir(join(host.paths.agentDirectory, 'samples.jsonl.part', 'in-the-way'), { recursive: true });
    const id = await order(agent, { kind: 'disconnectUser', user: 'alice' });
    const again = startAgent();
    await until(async () => (await commandState(id)).state === 'done');
    expect(again.status().problem).toBeUndefined();
  });
});
