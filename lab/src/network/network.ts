import { appendFileSync } from 'node:fs';
import { sweepDirectories } from '../system/run.ts';
import { type Device, natDevice, plainDevice } from './device.ts';
import { Namespace, sweepNamespaces } from './namespace.ts';
import { Switch } from './switch.ts';

export const gatewayName = 'vpn.test';
export const gatewayAddress = '10.50.0.1';
export const gatewayAddress6 = 'fd50::1';
/** The corporate host seen from the gateway. */
export const corpAddress = '10.60.0.2';
export const corpAddress6 = 'fd60::2';
export const corpDnsAddress = '10.60.0.53';
/** The gateway seen from the corporate host: every device hides behind it. */
export const internalAddress = '10.60.0.1';
export const internalAddress6 = 'fd60::1';
export const secondCorpAddress = '10.61.0.2';

export interface NetworkOptions {
  /** Devices on the public side. */
  devices?: number;
  /**
   * Puts a switch between the devices and the gateway, where traffic can be disturbed as on a real path.
   * Without it a single device has a cable to the gateway, which costs the least when measuring.
   */
  switched?: boolean;
  /** Adds one more device, behind a router that translates addresses; it is the last of `devices`. */
  nat?: boolean;
  /** Gives the gateway a second internal interface (`g2`, 10.61.0.0/24). */
  secondInternal?: boolean;
}

/**
 * Three kinds of host: devices, the gateway and the corporate host.
 *
 *     device d0 10.50.0.2 ── [switch] ── g0 10.50.0.1 gateway g1 10.60.0.1 ── c0 10.60.0.2 corp
 *
 * The corporate host knows no way back to the devices: what reaches it through the gateway must have been
 * translated to the gateway's own address.
 */
export class Network {
  readonly gateway: Namespace;
  readonly corp: Namespace;
  readonly devices: readonly Device[];
  /** Where the public path can be disturbed; only in a switched network. */
  readonly switch: Switch | undefined;

  private constructor(
    gateway: Namespace,
    corp: Namespace,
    devices: readonly Device[],
    middle: Switch | undefined,
  ) {
    this.gateway = gateway;
    this.corp = corp;
    this.devices = devices;
    this.switch = middle;
  }

  static async create(options: NetworkOptions = {}): Promise<Network> {
    sweepNamespaces();
    sweepDirectories();
    const count = options.devices ?? 1;
    const gateway = new Namespace('gateway');
    const corp = new Namespace('corp');
    const switched = options.switched === true || options.nat === true || count !== 1;
    const middle = switched ? await Switch.create() : undefined;
    await middle?.plug(gateway, 'g0');
    const devices: Device[] = [];
    for (let index = 0; index < count; index += 1) {
      devices.push(await plainDevice(index, middle ?? gateway));
    }
    if (options.nat === true && middle !== undefined) devices.push(await natDevice(count, middle));
    await gateway.ip(`addr add ${gatewayAddress}/24 dev g0`);
    await gateway.ip(`addr add ${gatewayAddress6}/64 dev g0 nodad`);
    await gateway.ip('link set g0 up');
    await connectCorp(gateway, corp, 0);
    if (options.secondInternal === true) await connectCorp(gateway, corp, 1);
    await gateway.sysctl('net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1');
    for (const device of devices) {
      appendFileSync(device.namespace.hosts, `${gatewayAddress} ${gatewayName}\n`);
    }
    return new Network(gateway, corp, devices, middle);
  }

  /** The device that most tests need. */
  get device(): Device {
    return this.deviceAt(0);
  }

  deviceAt(index: number): Device {
    const device = this.devices[index];
    if (device === undefined) throw new Error(`this network has no device ${index}`);
    return device;
  }

  async remove(): Promise<void> {
    const namespaces = [...this.devices.flatMap((device) => device.namespaces), this.gateway, this.corp];
    for (const namespace of namespaces) await namespace.remove();
    await this.switch?.remove();
  }
}

async function connectCorp(gateway: Namespace, corp: Namespace, index: number): Promise<void> {
  const [near, far, net] = [`g${index + 1}`, `c${index}`, 60 + index];
  await gateway.ip(`link add ${near} type veth peer name ${far} netns ${corp.name}`);
  await gateway.ip(`addr add 10.${net}.0.1/24 dev ${near}`);
  await gateway.ip(`addr add fd${net}::1/64 dev ${near} nodad`);
  await gateway.ip(`link set ${near} up`);
  await corp.ip(`addr add 10.${net}.0.2/24 dev ${far}`);
  await corp.ip(`addr add fd${net}::2/64 dev ${far} nodad`);
  if (index === 0) await corp.ip(`addr add ${corpDnsAddress}/24 dev ${far}`);
  await corp.ip(`link set ${far} up`);
}
