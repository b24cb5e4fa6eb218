import { networksOverlap } from '@culvert/contracts';
import { z } from 'zod';
import type { Check, Finding } from '../../checks/check.ts';
import type { Language } from '../../program/language.ts';
import { filesOf, type HostView, textOf } from './host-view.ts';
import {
  type ContainerNetwork,
  cniNetworks,
  defaultSubnetIn,
  netavarkNetworks,
  networkOf,
} from './parse/container-networks.ts';
import { parseJson } from './parse/engine-versions.ts';
import { parseRoutes, type Route } from './parse/routes.ts';
import { dockerDaemon, dockerDaemonFile } from './user-namespaces.ts';

/** Networks that the engines take when nothing is set. */
const defaults = { docker: '172.17.0.0/16', podman: '10.88.0.0/16' } as const;
const gatewayFile = '/etc/mstunnel/gateway.json';
/** Bridges that container engines make, also those whose file nobody may read. */
const bridgeNames = /^(docker\d+|br-[0-9a-f]{12}|cni-podman\d+|podman\d+|cni\d+)$/;

const gatewaySchema = z.looseObject({ network: z.string() });

/** The networks of the installed engines. */
export async function containerNetworksOf(view: HostView): Promise<ContainerNetwork[]> {
  const [docker, podman, daemon, cni, netavark, configurations] = await Promise.all([
    isInstalled(view, 'docker'),
    isInstalled(view, 'podman'),
    textOf(view, dockerDaemonFile),
    filesOf(view, '/etc/cni/net.d', '.conflist'),
    filesOf(view, '/etc/containers/networks', '.json'),
    Promise.all(
      ['/etc/containers/containers.conf', '/usr/share/containers/containers.conf'].map((path) =>
        textOf(view, path),
      ),
    ),
  ]);
  const networks: ContainerNetwork[] = [];
  if (docker || daemon !== '') networks.push(dockerNetwork(daemon));
  const podmanFiles = [
    ...cni.flatMap(({ path, text }) => cniNetworks(text, path)),
    ...netavark.flatMap(({ path, text }) => netavarkNetworks(text, path)),
  ];
  networks.push(...podmanFiles);
  const hasOwnBridge = podmanFiles.some(({ bridge }) => bridge === 'podman0' || bridge === 'cni-podman0');
  if (podman && !hasOwnBridge) {
    const subnet = configurations.map(defaultSubnetIn).find((found) => found !== undefined);
    networks.push({ network: subnet ?? defaults.podman, place: 'Podman', bridge: 'podman0' });
  }
  return networks;
}

async function isInstalled(view: HostView, program: string): Promise<boolean> {
  const places = ['/usr/bin', '/usr/local/bin', '/bin', '/snap/bin'];
  return (await Promise.all(places.map((place) => view.exists(`${place}/${program}`)))).includes(true);
}

function dockerNetwork(daemon: string): ContainerNetwork {
  const parsed = dockerDaemon.safeParse(parseJson(daemon));
  const network = parsed.success ? networkOf(parsed.data.bip ?? '') : undefined;
  return network === undefined
    ? { network: defaults.docker, place: 'Docker', bridge: 'docker0' }
    : { network, place: dockerDaemonFile, bridge: 'docker0' };
}

/**
 * Judges the networks of the engines against what the host routes elsewhere, and against the pools of devices
 * (CIDR networks).
 */
export function judgeBridges(
  networks: readonly ContainerNetwork[],
  routes: readonly Route[],
  pools: readonly string[],
): Finding {
  if (networks.length === 0) {
    return {
      result: 'ok',
      found: {
        en: 'no container engine is installed yet',
        ja: 'コンテナー エンジンはまだインストールされていません',
      },
    };
  }
  const own = new Set(networks.flatMap(({ bridge }) => (bridge === undefined ? [] : [bridge])));
  const elsewhere = routes.filter(({ device }) => !own.has(device) && !bridgeNames.test(device));
  const overlaps = networks.flatMap(({ network, place }) => [
    ...elsewhere
      .filter((route) => networksOverlap(route.network, network))
      .map((route) => ({
        network,
        place,
        other: { en: `${route.network} (${route.device})`, ja: `${route.network} (${route.device})` },
      })),
    ...pools
      .filter((pool) => networksOverlap(pool, network))
      .map((pool) => ({
        network,
        place,
        other: { en: `${pool} (pool of devices)`, ja: `${pool} (デバイスのアドレス プール)` },
      })),
  ]);
  const all = networks.map(({ network, place }) => `${network} (${place})`).join(', ');
  if (overlaps.length === 0) return { result: 'ok', found: { en: all, ja: all } };
  const pairs = (language: Language) =>
    overlaps.map(({ network, place, other }) => `${network} (${place}) – ${other[language]}`).join(', ');
  return {
    result: 'failed',
    found: { en: `overlap: ${pairs('en')}`, ja: `重複しています: ${pairs('ja')}` },
    remedy: {
      text: {
        en: 'Give the bridge a network that nobody uses, for example:',
        ja: 'ブリッジに、どこでも使用していないネットワークを割り当ててください。例:',
      },
      commands: ['sudo mst-cli bridge set 192.168.128.0/24'],
    },
  };
}

/** The pool of an installed gateway, beside the pools that were named. */
export async function poolsOf(view: HostView, named: readonly string[]): Promise<string[]> {
  const parsed = gatewaySchema.safeParse(parseJson(await textOf(view, gatewayFile)));
  const installed = parsed.success ? networkOf(parsed.data.network) : undefined;
  return [...named, ...(installed === undefined ? [] : [installed])];
}

export function bridgeNetworksCheck(view: HostView, namedPools: readonly string[]): Check {
  return {
    id: 'utils.bridge-networks',
    title: { en: 'Bridge networks of the containers', ja: 'コンテナーのブリッジ ネットワーク' },
    why: {
      en: 'Packets for an internal network with the same addresses go to the bridge and get lost.',
      ja: '同じアドレスを使う社内ネットワーク宛のパケットは、ブリッジに送られて失われます。',
    },
    run: async () => {
      const [networks, routes, pools] = await Promise.all([
        containerNetworksOf(view),
        textOf(view, '/proc/net/route'),
        poolsOf(view, namedPools),
      ]);
      return judgeBridges(networks, parseRoutes(routes), pools);
    },
  };
}
