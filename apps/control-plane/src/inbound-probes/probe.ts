import { createHash, randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { connect as connectTcp, isIPv6 } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:tls';
import { type Arrival, dtlsClientHello, type InboundProbe, readHelloVerifyRequest } from '@culvert/contracts';

/** Milliseconds for what is sent to arrive and be answered. */
export const probeMilliseconds = 4_000;
/** Datagrams to each address: one may be lost. */
export const datagrams = 5;
const datagramMilliseconds = 400;

/**
 * Connects to one address over TCP and UDP. What did not arrive takes the whole time, so that nobody learns from the time whether a
 * port is closed, filtered or somebody else's.
 */
export async function probeAddress(
  address: string,
  { port, certificateFingerprint, udpCookie }: Omit<InboundProbe, 'address'>,
  milliseconds = probeMilliseconds,
): Promise<{ tcp: Arrival; udp: Arrival; datagrams: number }> {
  const end = AbortSignal.timeout(milliseconds);
  const [tcp, udp] = await Promise.all([
    arrival((signal) => reachesByTls(address, port, certificateFingerprint, signal), end, milliseconds),
    arrival((signal) => reachesByDtls(address, port, udpCookie, signal), end, milliseconds),
  ]);
  return { tcp, udp, datagrams };
}

async function arrival(
  reach: (signal: AbortSignal) => Promise<boolean>,
  end: AbortSignal,
  milliseconds: number,
): Promise<Arrival> {
  const startedAt = performance.now();
  if (await reach(end)) {
    return { hasArrived: true, milliseconds: Math.round(performance.now() - startedAt) };
  }
  const left = milliseconds - (performance.now() - startedAt);
  if (left > 0) await sleep(left);
  return { hasArrived: false, milliseconds: null };
}

/** True when the handshake proves that the other end has the key of the certificate that was named. */
function reachesByTls(
  host: string,
  port: number,
  fingerprint: string,
  signal: AbortSignal,
): Promise<boolean> {
  return new Promise((resolve) => {
    const transport = connectTcp({ host, port });
    const secured = connect({ socket: transport, rejectUnauthorized: false, minVersion: 'TLSv1.2' });
    const finish = (hasArrived: boolean) => {
      signal.removeEventListener('abort', giveUp);
      transport.destroy();
      resolve(hasArrived);
    };
    const giveUp = () => finish(false);
    signal.addEventListener('abort', giveUp);
    transport.once('error', giveUp);
    secured.once('error', giveUp);
    secured.once('secureConnect', () => {
      const shown = secured.getPeerX509Certificate();
      finish(shown !== undefined && createHash('sha256').update(shown.raw).digest('hex') === fingerprint);
    });
  });
}

/** True when a HelloVerifyRequest with the cookie comes back. Without a cookie the other side counts, and nothing is waited for. */
function reachesByDtls(
  host: string,
  port: number,
  cookie: string | null,
  signal: AbortSignal,
): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
    const hello = dtlsClientHello(randomBytes(32));
    let sent = 0;
    const finish = (hasArrived: boolean) => {
      clearInterval(timer);
      signal.removeEventListener('abort', giveUp);
      socket.close();
      resolve(hasArrived);
    };
    const giveUp = () => finish(false);
    const send = () => {
      if (sent >= datagrams) return;
      sent += 1;
      // An address without a way to it is one that does not answer.
      socket.send(hello, port, host, () => {});
    };
    const timer = setInterval(send, datagramMilliseconds);
    signal.addEventListener('abort', giveUp);
    socket.on('error', () => {});
    socket.on('message', (datagram, { port: from }) => {
      if (cookie === null || from !== port) return;
      if (readHelloVerifyRequest(datagram)?.toString('hex') === cookie) finish(true);
    });
    send();
  });
}
