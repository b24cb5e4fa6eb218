import { connect, type Socket } from 'node:net';

/** What a test pretends that the engine says about a device. */
export interface RelayedDevice {
  address?: string;
  connection?: number;
  tlsVersion?: string;
  tlsCipherSuite?: string;
  certificates?: Buffer[];
  possessionProved?: boolean;
}

const field = (type: number, value: Buffer) => {
  const head = Buffer.alloc(3);
  head.writeUInt8(type);
  head.writeUInt16BE(value.length, 1);
  return Buffer.concat([head, value]);
};

/** The PROXY protocol v2 header of the engine, written independently of the parser. */
export function proxyHeader(device: RelayedDevice = {}): Buffer {
  const { address = '192.0.2.7', connection = 1, certificates = [] } = device;
  const ipv6 = address.includes(':');
  const addressBytes = ipv6
    ? Buffer.from(
        address
          .split('::')
          .map((half) => half.split(':').filter(Boolean))
          .flatMap((half, index, halves) =>
            index === 0 && halves.length === 2
              ? [...half, ...Array(8 - half.length - (halves[1]?.length ?? 0)).fill('0')]
              : half,
          )
          .map((group) => group.padStart(4, '0'))
          .join(''),
        'hex',
      )
    : Buffer.from(address.split('.').map(Number));
  const server = ipv6 ? Buffer.alloc(16, 1) : Buffer.from([192, 0, 2, 1]);
  const ports = Buffer.from([0xc0, 0x01, 0x01, 0xbb]);
  const verify = Buffer.from([7, 0, 0, 0, device.possessionProved === false ? 1 : 0]);
  const connectionId = Buffer.alloc(8);
  connectionId.writeBigUInt64BE(BigInt(connection));
  const chain = certificates.map((certificate) => {
    const length = Buffer.alloc(3);
    length.writeUIntBE(certificate.length, 0, 3);
    return Buffer.concat([length, certificate]);
  });
  const body = Buffer.concat([
    addressBytes,
    server,
    ports,
    field(
      0x20,
      Buffer.concat([
        verify,
        field(0x21, Buffer.from(device.tlsVersion ?? 'TLSv1.3')),
        field(0x23, Buffer.from(device.tlsCipherSuite ?? 'TLS_AES_256_GCM_SHA384')),
      ]),
    ),
    field(0xe0, connectionId),
    ...(chain.length === 0 ? [] : [field(0xe1, Buffer.concat(chain))]),
  ]);
  const head = Buffer.from('0d0a0d0a000d0a515549540a21000000', 'hex');
  head.writeUInt8(ipv6 ? 0x21 : 0x11, 13);
  head.writeUInt16BE(body.length, 14);
  return Buffer.concat([head, body]);
}

export interface Answer {
  status: number;
  headers: string;
  body: string;
}

/** A relayed connection: writes bytes by hand, reads one HTTP answer at a time. */
export class RelayedConnection {
  readonly socket: Socket;
  #received = '';
  closed = false;
  #wake: () => void = () => {};

  constructor(path: string, device: RelayedDevice = {}) {
    this.socket = connect(path);
    this.socket.setNoDelay(true);
    this.socket.on('data', (chunk: Buffer) => {
      this.#received += chunk.toString('latin1');
      this.#wake();
    });
    this.socket.on('error', () => {});
    this.socket.on('close', () => {
      this.closed = true;
      this.#wake();
    });
    this.socket.write(proxyHeader(device));
  }

  write(bytes: string | Buffer): void {
    this.socket.write(bytes);
  }

  /** One answer; rejects when the connection closes before it is complete. */
  async answer(): Promise<Answer> {
    for (;;) {
      const end = this.#received.indexOf('\r\n\r\n');
      const headers = end < 0 ? '' : this.#received.slice(0, end);
      const length = Number(/^content-length: *(\d+)/im.exec(headers)?.[1] ?? 0);
      if (end >= 0 && this.#received.length >= end + 4 + length) {
        const body = this.#received.slice(end + 4, end + 4 + length);
        this.#received = this.#received.slice(end + 4 + length);
        const text = Buffer.from(body, 'latin1').toString('utf8');
        return { status: Number(headers.slice(9, 12)), headers, body: text };
      }
      if (this.closed) throw new Error(`closed after ${JSON.stringify(this.#received.slice(0, 100))}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  request(bytes: string | Buffer): Promise<Answer> {
    this.write(bytes);
    return this.answer();
  }

  async untilClosed(): Promise<string> {
    while (!this.closed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#received;
  }

  end(): void {
    this.socket.destroy();
  }
}
