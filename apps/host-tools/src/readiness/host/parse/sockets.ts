/** A socket that takes what comes from the network. `inode` finds the process that holds it. */
export type ListeningSocket = Readonly<{ address: string; port: number; inode: string }>;

const tcpListen = '0A';
const udpUnconnected = '07';

/**
 * Listening sockets in `/proc/net/tcp`, `tcp6`, `udp` or `udp6`. An UDP socket counts as listening while it is
 * connected to nobody. Lines in another form are passed over, as are the headings.
 */
export function listeningSockets(text: string, protocol: 'tcp' | 'udp'): ListeningSocket[] {
  const wanted = protocol === 'tcp' ? tcpListen : udpUnconnected;
  return text.split('\n').flatMap((line) => {
    const fields = line.trim().split(/\s+/);
    const local = /^([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})$/i.exec(fields[1] ?? '');
    if (local?.[1] === undefined || local[2] === undefined || fields[3]?.toUpperCase() !== wanted) return [];
    return [{ address: addressOf(local[1]), port: Number.parseInt(local[2], 16), inode: fields[9] ?? '' }];
  });
}

/** The kernel prints addresses as 32-bit words in the byte order of the host, which is little-endian on AMD and Intel. */
export function addressOf(hexadecimal: string): string {
  const bytes = Buffer.from(hexadecimal, 'hex');
  if (bytes.length === 4) return [...bytes].reverse().join('.');
  const words = Array.from({ length: 4 }, (_, index) => bytes.subarray(index * 4, index * 4 + 4).reverse());
  return Buffer.concat(words)
    .toString('hex')
    .replace(/(.{4})(?=.)/g, '$1:');
}
