import { appendFileSync } from 'node:fs';
import { type Device, plainDevice } from '../network/device.ts';
import { Namespace, sweepNamespaces } from '../network/namespace.ts';
import { corpAddress, corpDnsAddress, gatewayAddress, gatewayName } from '../network/network.ts';
import { Switch } from '../network/switch.ts';
import { sweepDirectories } from '../system/run.ts';

/** Name of the control plane on the management network. */
export const controlPlaneName = 'control.test';
export const controlPlaneAddress = '10.80.0.1';
/** A host between servers and control plane, for proxies. */
export const proxyName = 'proxy.test';
export const proxyAddress = '10.80.0.2';
/** From here on the addresses of the servers count, on each of their networks. */
const firstServerHost = 101;

/** The place of one server in the network. */
export interface ServerPlace {
  readonly name: string;
  readonly namespace: Namespace;
  readonly publicAddress: string;
}

/**
 * The hosts of a fleet. A server has a leg in each of three networks; the devices know only the balancer.
 *
 *     devices 10.50.0.2… ──┐ public   ┌── g0 10.50.0.101… server g1 10.60.0.101… ── corporate 10.60.0.2
 *     balancer 10.50.0.1 ──┴──────────┤                   m0 10.80.0.101… ── control plane 10.80.0.1, proxy 10.80.0.2
 *
 * The corporate host knows no way back to the devices.
 */
export class FleetNetwork {
  readonly devices: readonly Device[];
  readonly servers: readonly ServerPlace[];
  readonly balancer: Namespace;
  readonly controlPlane: Namespace;
  readonly proxy: Namespace;
  readonly corp: Namespace;
  readonly #switches: readonly Switch[];

  private constructor(hosts: Hosts, switches: readonly Switch[]) {
    this.devices = hosts.devices;
    this.servers = hosts.servers;
    this.balancer = hosts.balancer;
    this.controlPlane = hosts.controlPlane;
    this.proxy = hosts.proxy;
    this.corp = hosts.corp;
    this.#switches = switches;
  }

  static async create(sizes: { servers: number; devices: number }): Promise<FleetNetwork> {
    sweepNamespaces();
    sweepDirectories();
    const outside = await Switch.create('public');
    const inside = await Switch.create('internal');
    const management = await Switch.create('management');
    const single = async (role: string, network: Switch, ...addresses: string[]) => {
      const namespace = new Namespace(role);
      await connect(namespace, network, 'e0', ...addresses);
      return namespace;
    };
    const balancer = await single('balancer', outside, gatewayAddress);
    const controlPlane = await single('control', management, controlPlaneAddress);
    const proxy = await single('proxy', management, proxyAddress);
    const corp = await single('corp', inside, corpAddress, corpDnsAddress);
    appendFileSync(controlPlane.hosts, `127.0.0.1 ${controlPlaneName}\n`);
    appendFileSync(proxy.hosts, `${controlPlaneAddress} ${controlPlaneName}\n`);
    const servers: ServerPlace[] = [];
    for (let index = 0; index < sizes.servers; index += 1) {
      servers.push(await serverPlace(index, { outside, inside, management }));
    }
    const devices: Device[] = [];
    for (let index = 0; index < sizes.devices; index += 1) {
      const device = await plainDevice(index, outside);
      appendFileSync(device.namespace.hosts, `${gatewayAddress} ${gatewayName}\n`);
      devices.push(device);
    }
    const hosts = { devices, servers, balancer, controlPlane, proxy, corp };
    return new FleetNetwork(hosts, [outside, inside, management]);
  }

  async remove(): Promise<void> {
    const namespaces = [
      ...this.devices.flatMap((device) => device.namespaces),
      ...this.servers.map((server) => server.namespace),
      ...[this.balancer, this.proxy, this.controlPlane, this.corp],
      ...this.#switches.map((one) => one.namespace),
    ];
    for (const namespace of namespaces) await namespace.remove();
  }
}

type Hosts = Pick<FleetNetwork, 'devices' | 'servers' | 'balancer' | 'controlPlane' | 'proxy' | 'corp'>;

async function serverPlace(
  index: number,
  networks: Record<'outside' | 'inside' | 'management', Switch>,
): Promise<ServerPlace> {
  const name = `server${index + 1}`;
  const namespace = new Namespace(name);
  const host = firstServerHost + index;
  await connect(namespace, networks.outside, 'g0', `10.50.0.${host}`);
  await connect(namespace, networks.inside, 'g1', `10.60.0.${host}`);
  await connect(namespace, networks.management, 'm0', `10.80.0.${host}`);
  await namespace.sysctl('net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1');
  appendFileSync(
    namespace.hosts,
    `${controlPlaneAddress} ${controlPlaneName}\n${proxyAddress} ${proxyName}\n${gatewayAddress} ${gatewayName}\n`,
  );
  return { name, namespace, publicAddress: `10.50.0.${host}` };
}

async function connect(
  namespace: Namespace,
  network: Switch,
  interfaceName: string,
  ...addresses: string[]
): Promise<void> {
  await network.plug(namespace, interfaceName);
  for (const address of addresses) await namespace.ip(`addr add ${address}/24 dev ${interfaceName}`);
  await namespace.ip(`link set ${interfaceName} up`);
}
