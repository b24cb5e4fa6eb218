import { Namespace } from './namespace.ts';
import { Switch } from './switch.ts';

/** A host on the public side from which a client connects. */
export interface Device {
  readonly namespace: Namespace;
  /** Its address as the gateway sees it. */
  readonly address: string;
  readonly router: NatRouter | undefined;
  readonly namespaces: readonly Namespace[];
}

/** Makes the uplink of a device slow, so that its sockets fill up. */
export async function slowUplink(device: Device, rate: string): Promise<void> {
  await device.namespace.run([
    ...[
      'tc',
      'qdisc',
      'replace',
      'dev',
      'd0',
      'root',
      'tbf',
      'rate',
      rate,
      'burst',
      '16kb',
      'latency',
      '100ms',
    ],
  ]);
}

/** What roaming does: the old address is gone from one moment to the next. */
export async function changeAddress(device: Device, from: string, to: string): Promise<void> {
  // In this order: with its first address an interface loses the others of the same network.
  await device.namespace.ip(`addr del ${from}/24 dev d0`);
  await device.namespace.ip(`addr add ${to}/24 dev d0`);
  await device.namespace.ip('route replace default via 10.50.0.1 dev d0');
}

/** Cuts the TCP connections of a device to the gateway as a middlebox does: the server gets a reset. */
export async function cutTcp(device: Device): Promise<void> {
  await device.namespace.run(['ss', '-t', '-K', 'dport', '=', ':443']);
}

/** A device with an address of its own: 10.50.0.2 and fd50::2 for the first. */
export async function plainDevice(index: number, peer: Switch | Namespace): Promise<Device> {
  const namespace = new Namespace(`device${index + 1}`);
  const host = index + 2;
  if (peer instanceof Switch) await peer.plug(namespace, 'd0');
  else await namespace.ip(`link add d0 type veth peer name g0 netns ${peer.name}`);
  await namespace.ip(`addr add 10.50.0.${host}/24 dev d0`);
  await namespace.ip(`addr add fd50::${host.toString(16)}/64 dev d0 nodad`);
  await namespace.ip('link set d0 up');
  await namespace.ip('route add default via 10.50.0.1 dev d0');
  await namespace.ip('-6 route add default via fd50::1 dev d0');
  return { namespace, address: `10.50.0.${host}`, router: undefined, namespaces: [namespace] };
}

/** A device 192.168.50.2 (IPv4 only) behind a router with a public address. */
export async function natDevice(index: number, middle: Switch): Promise<Device> {
  const namespace = new Namespace('device-nat');
  const router = new Namespace('router');
  const address = `10.50.0.${index + 2}`;
  await middle.plug(router, 'r0');
  await router.ip(`addr add ${address}/24 dev r0`);
  await router.ip('link set r0 up');
  await router.ip(`link add r1 type veth peer name d0 netns ${namespace.name}`);
  await router.ip('addr add 192.168.50.1/24 dev r1');
  await router.ip('link set r1 up');
  await namespace.ip('addr add 192.168.50.2/24 dev d0');
  await namespace.ip('link set d0 up');
  await namespace.ip('route add default via 192.168.50.1 dev d0');
  await router.sysctl('net.ipv4.ip_forward=1');
  const nat = new NatRouter(router);
  await nat.usePorts(20_000);
  return { namespace, address, router: nat, namespaces: [namespace, router] };
}

/** A home router: it rewrites source addresses and ports. */
export class NatRouter {
  readonly namespace: Namespace;

  constructor(namespace: Namespace) {
    this.namespace = namespace;
  }

  /** Translates to ports from here on; UDP mappings of before are kept until `forgetUdp`. */
  async usePorts(first: number): Promise<void> {
    await this.namespace.nft(`
      table ip lab_nat
      delete table ip lab_nat
      table ip lab_nat {
        chain out {
          type nat hook postrouting priority 100;
          oifname "r0" meta l4proto { tcp, udp } masquerade to :${first}-${first + 999}
          oifname "r0" masquerade
        }
      }`);
  }

  /** What happens when a router restarts or its table overflows: UDP comes from another port from now on. */
  async rebindUdp(firstPort: number): Promise<void> {
    await this.usePorts(firstPort);
    await this.namespace.run(['conntrack', '-D', '-p', 'udp']);
  }
}
