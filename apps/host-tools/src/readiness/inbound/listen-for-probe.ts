import { randomBytes, X509Certificate } from 'node:crypto';
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server } from 'node:tls';
import { dtlsHelloVerifyRequest, isDtlsClientHello } from '@culvert/contracts';
import { fingerprintOf } from '@culvert/control-plane-client/trust.ts';
import { throwAwayCertificate } from '../network/throw-away-certificate.ts';

/** What the control plane is to meet at the port of this server. */
export interface ProbeListener {
  certificateFingerprint: string;
  /** Hex; null when datagrams are counted instead. */
  udpCookie: string | null;
  close(): Promise<void>;
}

const cookieBytes = 16;

/**
 * Listens at the port over TCP, with a certificate that nobody else has, and over UDP, where only this process knows the cookie. Rejects
 * with the error of the system when the port cannot be had.
 */
export async function listenForProbe(port: number): Promise<ProbeListener> {
  const identity = await throwAwayCertificate('server');
  const cookie = randomBytes(cookieBytes);
  const tcp = createServer({ ...identity, minVersion: 'TLSv1.2' }, (socket) => {
    // One handshake is all that is wanted of it.
    socket.on('error', () => {});
    socket.end();
  });
  const family = await listenTcp(tcp, port);
  const udp = createSocket({ type: family === 'IPv6' ? 'udp6' : 'udp4' });
  udp.on('message', (datagram, { port: from, address }) => {
    // The answer is shorter than the question, so nobody can be flooded with it.
    if (isDtlsClientHello(datagram)) udp.send(dtlsHelloVerifyRequest(cookie), from, address, () => {});
  });
  try {
    await bindUdp(udp, port);
  } catch (error) {
    tcp.close();
    throw error;
  }
  return {
    certificateFingerprint: fingerprintOf(new X509Certificate(identity.cert)),
    udpCookie: cookie.toString('hex'),
    close: async () => {
      udp.close();
      const closed = once(tcp, 'close');
      tcp.close();
      await closed;
    },
  };
}

/** Every address of both families, or IPv4 where the host has no IPv6. */
async function listenTcp(server: Server, port: number): Promise<'IPv4' | 'IPv6'> {
  try {
    server.listen({ port, host: '::' });
    await once(server, 'listening');
    return 'IPv6';
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EAFNOSUPPORT' && code !== 'EADDRNOTAVAIL') throw error;
  }
  server.listen({ port, host: '0.0.0.0' });
  await once(server, 'listening');
  return 'IPv4';
}

async function bindUdp(socket: UdpSocket, port: number): Promise<void> {
  socket.bind(port);
  await once(socket, 'listening');
  socket.on('error', () => {});
}
