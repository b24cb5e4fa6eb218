import { join } from 'node:path';
import type { Namespace } from '../network/namespace.ts';
import type { Background } from '../system/background.ts';
import { makeDirectory } from '../system/run.ts';
import { dtlsRecords } from './dtls-records.ts';
import { readPcap, type UdpDatagram } from './pcap.ts';

/** tcpdump on an interface; the file is read when it is stopped. */
export class Capture {
  readonly #file: string;
  readonly #process: Background;

  private constructor(file: string, background: Background) {
    this.#file = file;
    this.#process = background;
  }

  static async start(namespace: Namespace, interfaceName: string, filter: string): Promise<Capture> {
    const file = join(makeDirectory('capture'), 'packets.pcap');
    const background = namespace.start([
      ...['tcpdump', '--immediate-mode', '--packet-buffered', '-n', '-Z', 'root', '-s', '400'],
      ...['-i', interfaceName, '-w', file, filter],
    ]);
    await background.waitFor(/listening on/, 10_000);
    return new Capture(file, background);
  }

  async stop(): Promise<UdpDatagram[]> {
    await this.#process.stop('SIGINT');
    return readPcap(this.#file);
  }
}

/** ClientHellos of DTLS among the datagrams, the answers to a HelloVerifyRequest included. */
export function clientHellos(datagrams: readonly UdpDatagram[]): UdpDatagram[] {
  return datagrams.filter((datagram) =>
    dtlsRecords(datagram.payload).some(
      (record) => record.type === 22 && record.epoch === 0 && record.fragment[0] === 1,
    ),
  );
}

/** Datagrams with encrypted data of an association. */
export function dataDatagrams(datagrams: readonly UdpDatagram[]): UdpDatagram[] {
  return datagrams.filter((datagram) =>
    dtlsRecords(datagram.payload).some((record) => record.type === 23 && record.epoch > 0),
  );
}

/** DTLS handshakes that a client began: ClientHellos with different random values. */
export function handshakes(datagrams: readonly UdpDatagram[]): number {
  const randoms = clientHellos(datagrams).map((datagram) =>
    datagram.payload.subarray(27, 59).toString('hex'),
  );
  return new Set(randoms).size;
}
