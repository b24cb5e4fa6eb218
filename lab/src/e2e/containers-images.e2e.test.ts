import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ContainerLab } from '../containers/container-lab.ts';
import { Engine, type EngineKind, engineKinds } from '../containers/engine.ts';
import { buildImages, imageVersion } from '../containers/images.ts';
import { agentContainer, serverContainer } from '../containers/product-containers.ts';
import { makeServerDirectory, type ServiceAccount, serverDirectory } from '../containers/server-directory.ts';
import { corpAddress } from '../network/network.ts';
import type { CommandResult } from '../system/command.ts';
import { eventually } from '../system/wait.ts';
import { SteadyPing } from '../traffic/ping.ts';

/** A metric as the control plane tells it. */
interface Metric {
  name: string;
  value: number | null;
}

/** CAP_NET_ADMIN is the thirteenth capability (capabilities(7)). */
const netAdmin = '0000000000001000';
const none = '0000000000000000';
/** Node names its first thread. */
const gatewayProgram = 'node-MainThread';

describe.each(engineKinds)('images with %s', (kind: EngineKind) => {
  let lab: ContainerLab;
  let account: ServiceAccount;

  beforeAll(async () => {
    lab = await ContainerLab.start({ engine: kind, images: false, controlPlane: true });
    await lab.engine.importBase();
    account = await makeServerDirectory(lab.host, lab.authority);
  });
  afterAll(async () => {
    await lab?.dismissClients();
    await lab?.remove();
  });

  /** The status of every process of a container, by the name of its program. */
  async function processes(container: string): Promise<Map<string, Map<string, string>>> {
    const found = new Map<string, Map<string, string>>();
    for (const pid of await lab.engine.processIds(container)) {
      const { stdout } = await lab.host.run(['cat', `/proc/${pid}/status`]);
      const fields = new Map(
        stdout.split('\n').map((line) => {
          const [name = '', value = ''] = line.split(':\t');
          return [name, value] as const;
        }),
      );
      found.set(fields.get('Name') ?? '', fields.set('Pid', String(pid)));
    }
    return found;
  }

  /** Runs a server with some words changed until it ends. */
  function startInVain(change: (word: string) => string): Promise<CommandResult> {
    const words = serverContainer(kind, account).filter((word) => word !== '--detach');
    return lab.engine.attempt(words.map(change));
  }

  /** Runs the health check now; the engine itself waits ten seconds between two. */
  async function isWell(container: string): Promise<boolean> {
    return (await lab.engine.attempt(['exec', container, '/opt/culvert/bin/health'])).code === 0;
  }

  async function pidOf(container: string, program: string): Promise<string> {
    const pid = (await processes(container)).get(program)?.get('Pid');
    if (pid === undefined) throw new Error(`no ${program} runs in ${container}`);
    return pid;
  }

  test('are built into an archive that either engine reads, and say what they are', async () => {
    const archive = join(lab.host.directory, 'images.tar');
    await buildImages(lab.engine, '--archive', archive);
    const other = await Engine.start(kind === 'docker' ? 'podman' : 'docker', lab.host);
    await other.load(archive);
    for (const engine of [lab.engine, other]) {
      for (const name of ['mstunnel-server', 'mstunnel-agent']) {
        const labels = await engine.inspect(`${name}:${imageVersion}`, '{{json .Config.Labels}}');
        expect(JSON.parse(labels)).toMatchObject({
          'org.opencontainers.image.title': name,
          'org.opencontainers.image.version': imageVersion,
        });
        // Podman leaves it out of images in the format of OCI.
        const check = await engine.inspect(`${name}:${imageVersion}`, '{{json .}}');
        expect(check).toContain('/opt/culvert/bin/health');
      }
    }
    await other.stop();
  });

  test('a server without a configuration ends with an error instead of trying for ever', async () => {
    const empty = '/etc/mstunnel-empty';
    await lab.host.run(['mkdir', empty]);
    const result = await startInVain((word) => word.replace(`${serverDirectory}:`, `${empty}:`));
    expect(result.stdout + result.stderr).toContain('the gateway does not start');
    expect(result.code).toBe(1);
    await lab.engine.run(['rm', 'mstunnel-server']);
  });

  test('a server that may not forward packets says how it has to be started', async () => {
    const { stdout, stderr } = await startInVain((word) => word.replace('ip_forward=1', 'ip_forward=0'));
    expect(stdout + stderr).toContain('--sysctl net.ipv4.ip_forward=1');
    await lab.engine.run(['rm', 'mstunnel-server']);
  });

  test('a server serves devices over TLS and DTLS with the right to configure its network and no other', async () => {
    await lab.engine.run(serverContainer(kind, account));
    await eventually(
      'the server is healthy',
      async () => (await lab.engine.health('mstunnel-server')) === 'healthy',
      30_000,
      500,
    );
    const client = await lab.connect();
    await client.dtlsEstablished();
    const { device } = lab.network;
    await device.namespace.run(['ping', '-c', '2', '-W', '2', corpAddress]);

    const found = await processes('mstunnel-server');
    expect([...found.keys()].sort()).toEqual(['culvert-engine', 'entry', gatewayProgram]);
    for (const [name, status] of found) {
      const expected = name === 'culvert-engine' ? none : netAdmin;
      for (const set of ['CapPrm', 'CapEff']) expect(status.get(set), `${set} of ${name}`).toBe(expected);
      const { userId, groupId } = account;
      expect(status.get('Uid'), name).toBe([userId, userId, userId, userId].join('\t'));
      expect(status.get('Gid'), name).toBe([groupId, groupId, groupId, groupId].join('\t'));
      expect(status.get('Groups')?.trim() || String(groupId), name).toBe(String(groupId));
      expect(status.get('NoNewPrivs'), name).toBe('1');
    }
  });

  test('nothing in a server can be written but its directory and /tmp', async () => {
    for (const place of [
      '/opt/culvert/node',
      '/etc/passwd',
      '/usr/bin/nft',
      '/proc/sys/net/ipv4/ip_forward',
    ]) {
      const { code, stdout, stderr } = await lab.engine.attempt([
        'exec',
        'mstunnel-server',
        'sh',
        '-c',
        `echo 1 >${place}`,
      ]);
      expect(code, `${place}: ${stdout}${stderr}`).not.toBe(0);
      expect(stdout + stderr).toMatch(/Read-only file system|Permission denied|cannot create/);
    }
  });

  test('a server trusts the authorities that an administrator has added', async () => {
    const pid = await pidOf('mstunnel-server', gatewayProgram);
    const { stdout } = await lab.host.run(['sh', '-c', `tr '\\0' '\\n' </proc/${pid}/environ`]);
    const [, file] = /^NODE_EXTRA_CA_CERTS=(.+)$/m.exec(stdout) ?? [];
    const trusted = await lab.engine.run([
      'exec',
      'mstunnel-server',
      '/opt/culvert/bin/as-service-account',
      'cat',
      file ?? 'nothing',
    ]);
    expect(trusted.stdout.trim()).toBe(readFileSync(lab.authority.rootFile, 'utf8').trim());
  });

  test('a gateway that is killed comes back, and no tunnel notices', async () => {
    const ping = new SteadyPing(lab.network.device.namespace, corpAddress);
    const before = {
      gateway: await pidOf('mstunnel-server', gatewayProgram),
      engine: await pidOf('mstunnel-server', 'culvert-engine'),
    };
    await lab.host.run(['kill', '-KILL', before.gateway]);
    await eventually(
      'another gateway answers',
      async () => {
        const gateway = (await processes('mstunnel-server')).get(gatewayProgram)?.get('Pid');
        return gateway !== undefined && gateway !== before.gateway && (await isWell('mstunnel-server'));
      },
      20_000,
    );
    expect(await pidOf('mstunnel-server', 'culvert-engine')).toBe(before.engine);
    const { lost } = await ping.stop();
    expect(lost).toEqual([]);
  });

  test('an engine that is killed comes back, and leaves no dead process behind', async () => {
    const before = await pidOf('mstunnel-server', 'culvert-engine');
    await lab.host.run(['kill', '-KILL', before]);
    await eventually(
      'another engine runs',
      async () => {
        const status = (await processes('mstunnel-server')).get('culvert-engine');
        return status !== undefined && status.get('Pid') !== before && !status.get('State')?.startsWith('Z');
      },
      20_000,
    );
    const states = [...(await processes('mstunnel-server')).values()].map((status) => status.get('State'));
    expect(states.filter((state) => state?.startsWith('Z'))).toEqual([]);
  });

  test('a server reads its configuration again when it is told to', async () => {
    await lab.engine.run(['kill', '--signal', 'HUP', 'mstunnel-server']);
    await eventually('the configuration is read', async () =>
      (await lab.engine.logs('mstunnel-server')).includes('the configuration was read again and applied'),
    );
  });

  test('a server that is stopped ends in order', async () => {
    await lab.dismissClients();
    await lab.engine.run(['stop', '--time', '20', 'mstunnel-server']);
    expect(await lab.engine.inspect('mstunnel-server', '{{.State.ExitCode}}')).toBe('0');
    expect(await lab.engine.logs('mstunnel-server')).toMatch(/"msg":"stopped"/);
    await lab.engine.run(['start', 'mstunnel-server']);
  });

  test('an agent without any right tells the health of a server that is in another container', async () => {
    const { management } = lab;
    await eventually('the server is back', () => isWell('mstunnel-server'), 30_000);
    lab.host.writeFile(`${serverDirectory}/agent/join-token`, `${await management.createJoinToken()}\n`);
    await lab.host.run(['chown', 'mstunnel:mstunnel', `${serverDirectory}/agent/join-token`]);
    await lab.engine.run(agentContainer(account));
    await eventually('the agent is well', () => isWell('mstunnel-agent'), 30_000);
    for (const [name, status] of await processes('mstunnel-agent')) {
      for (const set of ['CapPrm', 'CapEff', 'CapInh', 'CapAmb'])
        expect(status.get(set), `${set} of ${name}`).toBe(none);
      expect(status.get('Uid'), name).not.toMatch(/(^|\t)0(\t|$)/);
      expect(status.get('NoNewPrivs'), name).toBe('1');
    }
    // All but the certificate's revocation, as it names nobody to ask.
    const seenThere = [
      'currentConnections',
      'throughput',
      'latency',
      'tlsCertificateDaysLeft',
      'serverContainerHealthy',
    ];
    const metrics = await eventually(
      'the control plane knows what only the network of the gateway shows',
      async () => {
        const [server] = await management.serverRecords();
        if (server === undefined) return undefined;
        const health = await management.controlPlane.ask('GET', `/api/v1/servers/${server.id}/health`);
        const values = new Map((health.metrics as Metric[]).map(({ name, value }) => [name, value]));
        return seenThere.every((name) => typeof values.get(name) === 'number') ? values : undefined;
      },
      90_000,
      500,
    );
    expect(metrics.get('serverContainerHealthy')).toBe(1);
    expect(metrics.get('tlsCertificateDaysLeft')).toBe(364);
    expect(metrics.get('latency')).toBeLessThan(1000);
  });
});
