import { readFileSync } from 'node:fs';

export interface UdpDatagram {
  /** An IPv6 address as 32 hexadecimal digits. */
  source: string;
  sourcePort: number;
  destination: string;
  destinationPort: number;
  payload: Buffer;
}

const fileHeaderLength = 24;
const packetHeaderLength = 16;
const ethernetHeaderLength = 14;

/** UDP datagrams, IPv4 and IPv6, of a pcap file that tcpdump wrote on an Ethernet interface of this machine. */
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

/** Where the header of each family has the protocol and the addresses. */
const families = [
  { etherType: 0x0800, protocolAt: 9, addressesAt: 12, addressLength: 4 },
  { etherType: 0x86dd, protocolAt: 6, addressesAt: 8, addressLength: 16 },
];

function readFrame(frame: Buffer): UdpDatagram | undefined {
  if (frame.length < ethernetHeaderLength + 28) return undefined;
  const family = families.find(({ etherType }) => etherType === frame.readUInt16BE(12));
  const packet = frame.subarray(ethernetHeaderLength);
  if (family === undefined || packet.readUInt8(family.protocolAt) !== 17) return undefined;
  const { addressesAt, addressLength } = family;
  const udp = packet.subarray(addressLength === 4 ? (packet.readUInt8(0) & 0x0f) * 4 : 40);
  const address = (index: number) => {
    const start = addressesAt + index * addressLength;
    const bytes = packet.subarray(start, start + addressLength);
    return addressLength === 4 ? bytes.join('.') : bytes.toString('hex');
  };
  return {
    source: address(0),
    sourcePort: udp.readUInt16BE(0),
    destination: address(1),
    destinationPort: udp.readUInt16BE(2),
    payload: udp.subarray(8),
  };
}
