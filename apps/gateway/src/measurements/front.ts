import type { X509Certificate } from 'node:crypto';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { FrontMeasurement } from '@culvert/contracts';
import { explainNetworkError } from '@culvert/network-errors/explain.ts';

/** An answer of the gateway has its status in the first line. */
const longestFirstLine = 1024;
/** A chain is not longer than this; its last certificate names itself as issuer. */
const longestChain = 10;

/** Where the front of a gateway is, and what it expects. */
export interface FrontPlace {
  publicAddress: string;
  listenPort: number;
  /** Addresses of the public side; undefined for all of them. */
  listenAddresses: readonly string[] | undefined;
  /** Every connection has to begin with a PROXY header. */
  proxyProtocol: boolean;
}

/**
 * Goes through the front of the gateway like a device: TCP, TLS with the name that devices use, and `GET /`. Whether the
 * certificate is trusted is not looked at here: many sites have one of an authority that only devices know.
 * Rejects with a sentence that names the step which failed.
 */
export async function visitFront(front: FrontPlace, signal: AbortSignal): Promise<FrontMeasurement> {
  const { publicAddress, listenPort, listenAddresses, proxyProtocol } = front;
  const host = loopbackFor(listenAddresses?.[0]);
  const place = `port ${listenPort} of ${host}`;
  const tcp = connectTcp({ host, port: listenPort, signal });
  try {
    await step(tcp, 'connect', (reason) => `${place} does not answer: ${reason}`);
    // A balancer says with it that it only looks after the server (PROXY protocol, version 1).
    if (proxyProtocol) tcp.write('PROXY UNKNOWN\r\n');
    const tls = connectTls({
      socket: tcp,
      rejectUnauthorized: false,
      ...(isIP(publicAddress) === 0 ? { servername: publicAddress } : {}),
    });
    await step(tls, 'secureConnect', (reason) => `the TLS handshake at ${place} failed: ${reason}`);
    const chain = chainOf(tls).map(({ raw }) => raw.toString('base64'));
    return { chain, status: await getRoot(tls, publicAddress, place) };
  } finally {
    tcp.destroy();
  }
}

function loopbackFor(address: string | undefined): string {
  if (address === undefined || address === '0.0.0.0') return '127.0.0.1';
  return address === '::' ? '::1' : address;
}

function step(socket: Socket, event: string, explain: (reason: string) => string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once(event, () => resolve());
    socket.once('error', (error) => reject(new Error(explain(explainNetworkError(error)))));
    socket.once('close', () => reject(new Error(explain('the connection was closed'))));
  });
}

function chainOf(tls: TLSSocket): X509Certificate[] {
  const chain: X509Certificate[] = [];
  for (let at = tls.getPeerX509Certificate(); at !== undefined && chain.length < longestChain; ) {
    chain.push(at);
    const { issuerCertificate }: X509Certificate = at;
    const isNext = issuerCertificate !== undefined && !issuerCertificate.raw.equals(at.raw);
    at = isNext ? issuerCertificate : undefined;
  }
  return chain;
}

function getRoot(tls: TLSSocket, host: string, place: string): Promise<number> {
  const failed = (reason: string) => new Error(`GET / at ${place} gets no answer: ${reason}`);
  return new Promise((resolve, reject) => {
    let text = '';
    tls.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      const [, status] = /^HTTP\/1\.[01] (\d{3})/.exec(text) ?? [];
      if (status !== undefined) resolve(Number(status));
      else if (text.length > longestFirstLine) reject(failed('it is no HTTP'));
    });
    tls.once('error', (error) => reject(failed(explainNetworkError(error))));
    tls.once('close', () => reject(failed('the connection was closed')));
    tls.write(
      `GET / HTTP/1.1\r\nHost: ${isIP(host) === 6 ? `[${host}]` : host}\r\nConnection: close\r\n\r\n`,
    );
  });
}
