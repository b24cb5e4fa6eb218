import ipaddr from 'ipaddr.js';
import type { Device } from './device.ts';

/** First bytes of a PROXY protocol header, version 2 (haproxy's `proxy-protocol.txt`, section 2.2). */
const signature = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');
const fixedLength = 16;

/** Longest header that the format can express: 16 bytes and a 16-bit length. */
export const maximumHeaderLength = fixedLength + 0xffff;

const typeSsl = 0x20;
const subTypeVersion = 0x21;
const subTypeCipher = 0x23;
const typeConnection = 0xe0;
const typeCertificates = 0xe1;

/** `more`: the header is not complete yet. `length` is where the device's own bytes begin. */
export type ProxyHeader =
  | { kind: 'more' }
  | { kind: 'device'; device: Device; length: number }
  | { kind: 'refused'; reason: string };

const refused = (reason: string): ProxyHeader => ({ kind: 'refused', reason });

/** Reads the header that the engine writes in front of the bytes of each device (architecture: engine → gateway). */
export function readProxyHeader(bytes: Buffer): ProxyHeader {
  const known = Math.min(bytes.length, signature.length);
  if (signature.compare(bytes, 0, known, 0, known) !== 0) return refused('no PROXY protocol signature');
  if (bytes.length < fixedLength) return { kind: 'more' };
  if (bytes[12] !== 0x21) return refused('not the command PROXY of version 2');
  const end = fixedLength + bytes.readUInt16BE(14);
  const addressLength = bytes[13] === 0x11 ? 4 : bytes[13] === 0x21 ? 16 : undefined;
  if (addressLength === undefined) return refused('neither TCP over IPv4 nor TCP over IPv6');
  const tlvStart = fixedLength + addressLength * 2 + 4;
  if (end < tlvStart) return refused('the address block is cut off');
  if (bytes.length < end) return { kind: 'more' };

  const ports = fixedLength + addressLength * 2;
  const device: Device = {
    connection: -1,
    address: addressText(bytes.subarray(fixedLength, fixedLength + addressLength)),
    port: bytes.readUInt16BE(ports),
    serverAddress: addressText(bytes.subarray(fixedLength + addressLength, ports)),
    serverPort: bytes.readUInt16BE(ports + 2),
    tlsVersion: undefined,
    tlsCipherSuite: undefined,
    certificateChain: [],
    possessionProved: false,
  };
  const fields = readFields(bytes.subarray(tlvStart, end));
  if (fields === undefined) return refused('a TLV is cut off');
  for (const [type, value] of fields) {
    if (type === typeConnection) {
      if (value.length !== 8) return refused('the connection id must have 8 bytes');
      const connection = Number(value.readBigUInt64BE());
      if (!Number.isSafeInteger(connection)) return refused('the connection id is too large');
      device.connection = connection;
    } else if (type === typeCertificates) {
      const chain = readCertificates(value);
      if (chain === undefined) return refused('the certificate chain is cut off');
      device.certificateChain = chain;
    } else if (type === typeSsl) {
      if (value.length < 5) return refused('the TLS description is cut off');
      const details = readFields(value.subarray(5));
      if (details === undefined) return refused('the TLS description is cut off');
      device.possessionProved = value.readUInt32BE(1) === 0;
      for (const [subType, text] of details) {
        if (subType === subTypeVersion) device.tlsVersion = printable(text);
        if (subType === subTypeCipher) device.tlsCipherSuite = printable(text);
      }
    }
  }
  if (device.connection < 0) return refused('no connection id');
  device.possessionProved &&= device.certificateChain.length > 0;
  return { kind: 'device', device, length: end };
}

function readFields(bytes: Buffer): [type: number, value: Buffer][] | undefined {
  const fields: [number, Buffer][] = [];
  for (let offset = 0; offset < bytes.length; ) {
    if (offset + 3 > bytes.length) return undefined;
    const end = offset + 3 + bytes.readUInt16BE(offset + 1);
    if (end > bytes.length) return undefined;
    fields.push([bytes.readUInt8(offset), bytes.subarray(offset + 3, end)]);
    offset = end;
  }
  return fields;
}

function readCertificates(bytes: Buffer): Buffer[] | undefined {
  const chain: Buffer[] = [];
  for (let offset = 0; offset < bytes.length; ) {
    if (offset + 3 > bytes.length) return undefined;
    const end = offset + 3 + bytes.readUIntBE(offset, 3);
    if (end > bytes.length || end === offset + 3) return undefined;
    // A copy, so that a kept chain does not keep the whole receive buffer.
    chain.push(Buffer.from(bytes.subarray(offset + 3, end)));
    offset = end;
  }
  return chain;
}

function addressText(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.');
  const address = new ipaddr.IPv6([...bytes]);
  return address.isIPv4MappedAddress() ? address.toIPv4Address().toString() : address.toString();
}

const printable = (bytes: Buffer) =>
  bytes
    .toString('latin1')
    .replaceAll(/[^\x20-\x7e]/g, '')
    .slice(0, 64);
