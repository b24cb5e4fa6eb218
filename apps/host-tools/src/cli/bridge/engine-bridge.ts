import { existsSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { type MonitoredProcess, monitoredProcesses } from '@culvert/contracts';
import { z } from 'zod';
import type { ContainerEngine } from '../../container-engine/container-engine.ts';
import { runProgram } from '../../container-engine/run-program.ts';
import { Failure } from '../../program/failure.ts';
import { writeWithBackup } from '../../readiness/fix/write-file.ts';
import { cniNetworks, netavarkNetworks } from '../../readiness/host/parse/container-networks.ts';
import type { ServerPlace } from '../commands.ts';
import { containerNames } from '../container-names.ts';
import { askService, NotRunning } from '../local-service/local-service.ts';
import { monitorService } from '../local-service/services.ts';
import { hasSystemd } from '../proxy/restart.ts';
import type { BridgeNetwork } from './bridge-network.ts';
import type { BridgeHost } from './change-bridge.ts';
import { explicitNetavarkNetwork, setCniBridge, setDockerBridge, setNetavarkBridge } from './engine-files.ts';

const dockerFile = '/etc/docker/daemon.json';
const cniDirectory = '/etc/cni/net.d';
const netavarkFile = '/etc/containers/networks/podman.json';
const programMilliseconds = 120_000;
const engineStartMilliseconds = 60_000;
const stopSeconds = 30;

/** The bridge of an engine: its interface, the file that gives its network, and how that file changes. */
export interface EngineBridge {
  device: string;
  file: string;
  /** Undefined when the file is not there. */
  text: string | undefined;
  /** The text of the file for another network. Throws a Failure for a file that cannot be changed. */
  change(network: BridgeNetwork): string;
}

/** Finds the bridge of an engine. Rejects with a Failure when it cannot be told. */
export async function findBridge(engine: ContainerEngine): Promise<EngineBridge> {
  if (engine.name === 'docker') {
    const text = await readIfThere(dockerFile);
    const change = (network: BridgeNetwork) => setDockerBridge(dockerFile, text ?? '', network);
    return { device: 'docker0', file: dockerFile, text, change };
  }
  return (await usesCni(engine)) ? findCniBridge() : findNetavarkBridge(engine);
}

/** Podman before 4.0 knows nothing else and does not know the question either. */
async function usesCni(engine: ContainerEngine): Promise<boolean> {
  const version = await engine.version();
  if (Number(version.split('.')[0]) < 4) return true;
  return (await engine.ask(['info', '--format', '{{.Host.NetworkBackend}}'])).trim() !== 'netavark';
}

const cniHead = z.looseObject({
  name: z.string(),
  plugins: z.array(z.looseObject({ bridge: z.string().optional() })),
});

async function findCniBridge(): Promise<EngineBridge> {
  const names = existsSync(cniDirectory) ? await readdir(cniDirectory) : [];
  for (const name of names.filter((one) => one.endsWith('.conflist')).sort()) {
    const file = `${cniDirectory}/${name}`;
    const text = await readFile(file, 'utf8');
    const head = cniHead.safeParse(parseJson(text));
    if (!head.success || head.data.name !== 'podman') continue;
    const device = head.data.plugins.find(({ bridge }) => bridge !== undefined)?.bridge ?? 'cni-podman0';
    return { device, file, text, change: (network) => setCniBridge(file, text, network) };
  }
  throw new Failure({
    en: `There is no network "podman" in ${cniDirectory}. Install it again (apt-get install --reinstall podman, or dnf reinstall podman), then run this again.`,
    ja: `${cniDirectory} に "podman" ネットワークがありません。再インストールしてから (apt-get install --reinstall podman または dnf reinstall podman)、もう一度実行してください。`,
  });
}

async function findNetavarkBridge(engine: ContainerEngine): Promise<EngineBridge> {
  const text = await readIfThere(netavarkFile);
  const current =
    text ?? explicitNetavarkNetwork(netavarkFile, await engine.ask(['network', 'inspect', 'podman']));
  const device = z.looseObject({ network_interface: z.string() }).safeParse(parseJson(current));
  return {
    device: device.data?.network_interface ?? 'podman0',
    file: netavarkFile,
    text,
    change: (network) => setNetavarkBridge(netavarkFile, current, network),
  };
}

const dockerNetwork = z
  .array(z.looseObject({ IPAM: z.looseObject({ Config: z.array(z.looseObject({ Subnet: z.string() })) }) }))
  .nonempty();

/** The network that an engine uses for its bridge, in CIDR form; undefined when it tells none. */
export async function networkInUse(engine: ContainerEngine): Promise<string | undefined> {
  const name = engine.name === 'docker' ? 'bridge' : 'podman';
  const answer = await engine.ask(['network', 'inspect', name]);
  if (engine.name === 'docker') {
    const [first] = dockerNetwork.safeParse(parseJson(answer)).data ?? [];
    return first?.IPAM.Config.map(({ Subnet }) => Subnet).find((subnet) => !subnet.includes(':'));
  }
  const list: unknown = parseJson(answer);
  const [network] = Array.isArray(list) ? list : [];
  const text = JSON.stringify(network ?? {});
  // Podman 3 answers with the file of CNI, later ones with the form of netavark, whatever they use.
  return [...netavarkNetworks(text, ''), ...cniNetworks(text, '')][0]?.network;
}

/** Containers that run on the bridge of an engine, beside those of the product. */
export async function otherContainers(engine: ContainerEngine): Promise<string[]> {
  const filter = engine.name === 'docker' ? [] : ['--filter', 'network=podman'];
  const names = (await engine.ask(['ps', ...filter, '--format', '{{.Names}}'])).split('\n').filter(Boolean);
  const own: readonly string[] = Object.values(containerNames);
  return names.filter((name) => !own.includes(name));
}

/** The steps of the change on this host. */
export function bridgeHost(
  place: ServerPlace,
  engine: ContainerEngine,
  { device, file }: EngineBridge,
): BridgeHost {
  let running: MonitoredProcess[] = [];
  return {
    async stopContainers() {
      const states = await Promise.all(
        monitoredProcesses.map((name) => engine.inspect(containerNames[name])),
      );
      running = monitoredProcesses.filter((_, index) => states[index]?.state === 'running');
      for (const name of running) await tellMonitor(place, engine, 'stop', name);
    },
    async startContainers() {
      // The server first: the agent looks after it.
      for (const name of running) await tellMonitor(place, engine, 'start', name);
    },
    stopEngine: () => dockerService(engine, 'stop'),
    async startEngine() {
      await dockerService(engine, 'start');
      await untilItAnswers(engine);
    },
    async removeBridge() {
      if (existsSync(`/sys/class/net/${device}`)) await must(['ip', 'link', 'delete', device]);
    },
    async write(text) {
      if (text === undefined) await rm(file, { force: true });
      else await writeWithBackup('/', file, text, new Date());
    },
    network: () => networkInUse(engine),
  };
}

/** The monitor would start again what is stopped behind its back. */
async function tellMonitor(
  { layout }: ServerPlace,
  engine: ContainerEngine,
  what: 'start' | 'stop',
  process: MonitoredProcess,
): Promise<void> {
  try {
    await askService(
      monitorService(layout),
      { method: 'POST', path: `/${what}`, body: { process } },
      z.unknown(),
    );
  } catch (error) {
    if (!(error instanceof NotRunning)) throw error;
    const container = containerNames[process];
    await (what === 'start' ? engine.start(container) : engine.stop(container, stopSeconds));
  }
}

/** Podman has no service of its own. */
async function dockerService(engine: ContainerEngine, what: 'start' | 'stop'): Promise<void> {
  if (engine.name !== 'docker') return;
  if (!hasSystemd()) return must(['service', 'docker', what]);
  // Its socket would start it again for the next question.
  const units = ['/usr/lib', '/lib', '/etc'].some((directory) =>
    existsSync(`${directory}/systemd/system/docker.socket`),
  )
    ? ['docker.service', 'docker.socket']
    : ['docker.service'];
  await must(['systemctl', what, ...(what === 'start' ? units.toReversed() : units)]);
}

async function untilItAnswers(engine: ContainerEngine): Promise<void> {
  const deadline = performance.now() + engineStartMilliseconds;
  for (;;) {
    try {
      await engine.version();
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await wait(500);
    }
  }
}

async function must(words: readonly string[]): Promise<void> {
  const { status, stderr } = await runProgram(words, { timeoutMilliseconds: programMilliseconds });
  if (status === 0) return;
  const reason = stderr.trim().split('\n').at(-1) ?? `status ${status}`;
  throw new Failure({
    en: `${words.join(' ')} failed: ${reason}.`,
    ja: `${words.join(' ')} に失敗しました: ${reason}。`,
  });
}

async function readIfThere(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
