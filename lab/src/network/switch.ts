import { Namespace } from './namespace.ts';

/** A network that several hosts share, such as the public one between devices and gateway, and what can go wrong on it. */
export class Switch {
  readonly namespace: Namespace;
  #ports = 0;

  private constructor(namespace: Namespace) {
    this.namespace = namespace;
  }

  /** A switch with nothing plugged in. */
  static async create(role = 'switch'): Promise<Switch> {
    const middle = new Switch(new Namespace(role));
    await middle.namespace.ip('link add br0 type bridge');
    await middle.namespace.ip('link set br0 up');
    return middle;
  }

  /** A cable from the switch to a new interface of a host. */
  async plug(host: Namespace, interfaceName: string): Promise<void> {
    const port = `p${this.#ports}`;
    this.#ports += 1;
    await this.namespace.ip(`link add ${port} type veth peer name ${interfaceName} netns ${host.name}`);
    await this.namespace.ip(`link set ${port} master br0`);
    await this.namespace.ip(`link set ${port} up`);
  }

  /** Drops what matches these nft expressions, without a word to either side, until `heal`. */
  async drop(...matches: string[]): Promise<void> {
    const rules = matches.map((match) => `${match} counter drop`).join('\n');
    await this.heal();
    await this.namespace.nft(`
      table bridge lab_disturb {
        chain path {
          type filter hook forward priority 0;
          ${rules}
        }
      }`);
  }

  /** Drops every UDP datagram to and from the gateway's port, as many guest networks do. */
  async dropUdp(port = 443): Promise<void> {
    await this.drop(`udp dport ${port}`, `udp sport ${port}`);
  }

  /** Loses this share of the packets that match. */
  async lose(match: string, perCent: number): Promise<void> {
    await this.drop(`${match} numgen random mod 100 < ${perCent}`);
  }

  /** Takes every disturbance away. */
  async heal(): Promise<void> {
    await this.namespace.nft('table bridge lab_disturb\ndelete table bridge lab_disturb');
  }

  async remove(): Promise<void> {
    await this.namespace.remove();
  }
}
