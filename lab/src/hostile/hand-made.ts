import { fileURLToPath } from 'node:url';
import type { Namespace } from '../network/namespace.ts';
import type { Attempt, Outcome } from './tunnel.ts';

const program = fileURLToPath(new URL('tunnel.ts', import.meta.url));

/** Makes a session without tunnel and returns its cookie as a header line. */
export async function handMadeSignIn(from: Namespace, user: string, password: string): Promise<string> {
  const command = [process.execPath, program, 'sign-in', user, password];
  return `Cookie: ${(await from.run(command)).stdout.trim()}`;
}

/** Opens tunnels by hand, one after the other; what became of each, under its name. */
export async function handMadeTunnels(
  from: Namespace,
  attempts: Readonly<Record<string, Attempt>>,
): Promise<[name: string, Outcome][]> {
  const input = JSON.stringify(Object.values(attempts));
  const { stdout } = await from.run([process.execPath, program, 'connect'], { input });
  const outcomes = JSON.parse(stdout) as Outcome[];
  return Object.keys(attempts).map((name, index) => [name, outcomes[index] as Outcome]);
}

/** A CSTP packet as hexadecimal digits; every part of its header can be wrong. */
export function frame(
  type: number,
  payload = '',
  changes: { magic?: string; length?: number; last?: number } = {},
): string {
  const { magic = '53544601', length = payload.length / 2, last = 0 } = changes;
  const hex = (number: number, digits: number) => number.toString(16).padStart(digits, '0');
  return `${magic}${hex(length, 4)}${hex(type, 2)}${hex(last, 2)}${payload}`;
}

/** A good UDP packet over IPv4, however long, that may be cut on its way. */
export function udpPacket(source: string, destination: string, port: number, payload: Buffer): Buffer {
  const packet = Buffer.alloc(28 + payload.length);
  packet.writeUInt16BE(0x4500, 0);
  packet.writeUInt16BE(packet.length, 2);
  packet.writeUInt16BE(1, 4);
  packet.writeUInt16BE(0x4011, 8);
  Buffer.from([...source.split('.'), ...destination.split('.')].map(Number)).copy(packet, 12);
  packet.writeUInt16BE(checksum(packet.subarray(0, 20)), 10);
  packet.writeUInt16BE(4_000, 20);
  packet.writeUInt16BE(port, 22);
  packet.writeUInt16BE(8 + payload.length, 24);
  // No checksum over the data: IPv4 allows it.
  payload.copy(packet, 28);
  return packet;
}

function checksum(header: Buffer): number {
  let sum = 0;
  for (let offset = 0; offset < header.length; offset += 2) sum += header.readUInt16BE(offset);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}
