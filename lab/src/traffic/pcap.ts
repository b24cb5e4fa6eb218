import { readFileSync } from 'node:fs';

export interface UdpDatagram {
  source: string;
  sourcePort: number;
  destination: string;
  destinationPort: number;
  payload: Buffer;
}

const fileHeaderLength = 24;
const packetHeaderLength = 16;
const ethernetHeaderLength = 14;

/** IPv4 UDP datagrams of a pcap file that tcpdump wrote on an Ethernet interface of this machine. */
export function readPcap(file: string): UdpDatagram[] {
  const bytes = readFileSync(file);
  const datagrams: UdpDatagram[] = [];
  for (let offset = fileHeaderLength; offset + packetHeaderLength <= bytes.length; ) {
    // The byte order of the header is the machine's.
    const length = bytes.readUInt32LE(offset + 8);
    const start = offset + packetHeaderLength;
    const datagram = readFrame(bytes.subarray(start, start + length));
    if (datagram !== undefined) datagrams.push(datagram);
    offset = start + length;
  }
  return datagrams;
}

function readFrame(frame: Buffer): UdpDatagram | undefined {
  if (frame.length < ethernetHeaderLength + 28 || frame.readUInt16BE(12) !== 0x0800) return undefined;
  const packet = frame.subarray(ethernetHeaderLength);
  if (packet.readUInt8(9) !== 17) return undefined;
  const udp = packet.subarray((packet.readUInt8(0) & 0x0f) * 4);
  return {
    source: packet.subarray(12, 16).join('.'),
    sourcePort: udp.readUInt16BE(0),
    destination: packet.subarray(16, 20).join('.'),
    destinationPort: udp.readUInt16BE(2),
    payload: udp.subarray(8),
  };
}
