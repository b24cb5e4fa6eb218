import { formatIpv4, formatIpv6, parseNetwork } from './networks.ts';

/** Addresses that one lease holds. */
export interface Lease {
  ipv4: string;
  ipv6?: string;
}

/** More devices than one gateway can serve; larger networks are not used beyond it, which bounds memory. */
export const maximumLeases = 1 << 18;

const leased = -2;
const none = -1;

/**
 * The addresses of a tunnel network. The first host is the gateway itself. Lease number `i` is the host
 * `2 + i` of both networks, so one index names a pair of addresses.
 *
 * Free indexes form a doubly linked list in two typed arrays (8 bytes per address): taking the head,
 * appending a released one and unlinking a reserved one are all O(1), and what was released last is
 * handed out last, so that the address of a device that left does not go to another one at once.
 */
export class AddressPool {
  readonly capacity: number;
  readonly gatewayIpv4: string;
  readonly gatewayIpv6: string | undefined;
  readonly #baseIpv4: number;
  readonly #ipv6: { base: bigint; capacity: number } | undefined;
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  #head: number;
  #tail: number;
  #free: number;

  constructor(ipv4Network: string, ipv6Network?: string) {
    const ipv4 = parseNetwork(ipv4Network);
    this.#baseIpv4 = Number(ipv4.base);
    // Without the network's own address, the gateway and the broadcast address.
    this.capacity = Math.min(2 ** ipv4.hostBits - 3, maximumLeases);
    if (this.capacity < 1) throw new RangeError(`${ipv4Network} has no address for a device`);
    this.gatewayIpv4 = formatIpv4(this.#baseIpv4 + 1);
    if (ipv6Network !== undefined) {
      const { base, hostBits } = parseNetwork(ipv6Network);
      const hosts = hostBits >= 32 ? this.capacity : 2 ** hostBits - 2;
      this.#ipv6 = { base, capacity: Math.min(hosts, this.capacity) };
      this.gatewayIpv6 = formatIpv6(base + 1n);
    }
    this.#next = Int32Array.from({ length: this.capacity }, (_, index) =>
      index + 1 < this.capacity ? index + 1 : none,
    );
    this.#previous = Int32Array.from({ length: this.capacity }, (_, index) => index - 1);
    this.#head = 0;
    this.#tail = this.capacity - 1;
    this.#free = this.capacity;
  }

  get free(): number {
    return this.#free;
  }

  /** The IPv4 address that is allocated last of all, so that what is sent there reaches nobody for long; undefined when none is free. */
  get lastFreeIpv4(): string | undefined {
    return this.#tail === none ? undefined : this.#lease(this.#tail).ipv4;
  }

  /** The addresses that have been free for longest, or undefined when none is free. */
  allocate(): Lease | undefined {
    const index = this.#head;
    if (index === none) return undefined;
    this.#unlink(index);
    return this.#lease(index);
  }

  /** Takes certain addresses, for a session that outlived the process. False when they are not free or not ours. */
  reserve(lease: Lease): boolean {
    const index = this.#indexOf(lease.ipv4);
    if (index === undefined || this.#previous[index] === leased) return false;
    if (lease.ipv6 !== undefined && lease.ipv6 !== this.#lease(index).ipv6) return false;
    this.#unlink(index);
    return true;
  }

  /** Gives addresses back. Those of another network, and those already free, change nothing. */
  release(lease: Lease): void {
    const index = this.#indexOf(lease.ipv4);
    if (index === undefined || this.#previous[index] !== leased) return;
    this.#previous[index] = this.#tail;
    this.#next[index] = none;
    if (this.#tail === none) this.#head = index;
    else this.#next[this.#tail] = index;
    this.#tail = index;
    this.#free += 1;
  }

  #unlink(index: number): void {
    const previous = this.#previous[index] ?? none;
    const next = this.#next[index] ?? none;
    if (previous === none) this.#head = next;
    else this.#next[previous] = next;
    if (next === none) this.#tail = previous;
    else this.#previous[next] = previous;
    this.#previous[index] = leased;
    this.#free -= 1;
  }

  #lease(index: number): Lease {
    const ipv4 = formatIpv4(this.#baseIpv4 + 2 + index);
    if (this.#ipv6 === undefined || index >= this.#ipv6.capacity) return { ipv4 };
    return { ipv4, ipv6: formatIpv6(this.#ipv6.base + BigInt(2 + index)) };
  }

  #indexOf(ipv4: string): number | undefined {
    const index = Number(parseNetwork(`${ipv4}/32`).base) - this.#baseIpv4 - 2;
    return index >= 0 && index < this.capacity ? index : undefined;
  }
}
