/** Of libpcap's file format: bytes of the header of the file, and of each packet. */
const fileHeader = 24;
const packetHeader = 16;
/** Nobody sends more at once; a larger number is no packet. */
const largestPacket = 1 << 18;

export interface CaptureLimits {
  packets: number;
  bytes: number;
}

/** What comes is not the format of libpcap. */
export class NotPackets extends Error {
  override readonly name = 'NotPackets';
}

/**
 * Cuts a stream in libpcap's format (draft-ietf-opsawg-pcap) into whole packets, so that a file that was ended at any moment can be
 * read. Counts what it gives out and stops at a limit.
 */
export class PacketFile {
  readonly #limits: CaptureLimits;
  #waiting: Buffer = Buffer.alloc(0);
  #read: 'readUInt32LE' | 'readUInt32BE' | undefined;
  packets = 0;
  bytes = 0;
  /** True when a limit is reached: nothing more is given out. */
  isFull = false;

  constructor(limits: CaptureLimits) {
    this.#limits = limits;
  }

  /** The whole packets that are there with this piece. Throws NotPackets. */
  push(piece: Buffer): Buffer {
    this.#waiting = this.#waiting.length === 0 ? piece : Buffer.concat([this.#waiting, piece]);
    let end = 0;
    if (this.#read === undefined) {
      if (this.#waiting.length < fileHeader) return Buffer.alloc(0);
      this.#read = byteOrder(this.#waiting);
      end = fileHeader;
    }
    while (!this.isFull && this.#waiting.length - end >= packetHeader) {
      const length = this.#waiting[this.#read](end + 8);
      if (length > largestPacket) throw new NotPackets(`a packet of ${length} bytes`);
      const next = end + packetHeader + length;
      if (this.#waiting.length < next) break;
      if (this.bytes + next > this.#limits.bytes) {
        this.isFull = true;
        break;
      }
      end = next;
      this.packets += 1;
      this.isFull = this.packets >= this.#limits.packets;
    }
    const whole = this.#waiting.subarray(0, end);
    this.#waiting = this.#waiting.subarray(end);
    this.bytes += end;
    return whole;
  }
}

/** By the first four bytes, with microseconds or nanoseconds. */
function byteOrder(header: Buffer): 'readUInt32LE' | 'readUInt32BE' {
  const magic = [0xa1b2c3d4, 0xa1b23c4d];
  if (magic.includes(header.readUInt32LE(0))) return 'readUInt32LE';
  if (magic.includes(header.readUInt32BE(0))) return 'readUInt32BE';
  throw new NotPackets('no header of libpcap');
}
