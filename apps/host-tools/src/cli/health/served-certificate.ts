import { connect } from 'node:tls';
import type { GatewayStatus } from '@culvert/contracts';

const handshakeMilliseconds = 5_000;

/** When the certificate expires that devices are shown at this moment (Unix time in milliseconds), or why that cannot be seen. */
export function servedCertificate({
  listenAddresses,
  listenPort,
  publicAddress,
  proxyProtocol,
}: GatewayStatus): Promise<{ notAfter: number } | { reason: string }> {
  if (proxyProtocol)
    return Promise.resolve({ reason: 'connections come through a balancer (proxyProtocol)' });
  const { promise, resolve } = Promise.withResolvers<{ notAfter: number } | { reason: string }>();
  const isName = /[a-z]/i.test(publicAddress) && !publicAddress.includes(':');
  const socket = connect({
    host: listenAddresses?.[0] ?? '127.0.0.1',
    port: listenPort,
    ...(isName ? { servername: publicAddress } : {}),
    // Only looked at; whether it is trusted is a question for devices.
    rejectUnauthorized: false,
    timeout: handshakeMilliseconds,
  });
  socket.once('secureConnect', () => {
    const notAfter = Date.parse(socket.getPeerCertificate().valid_to);
    resolve(Number.isFinite(notAfter) ? { notAfter } : { reason: 'no certificate was shown' });
    socket.destroy();
  });
  socket.once('timeout', () =>
    socket.destroy(new Error(`no answer within ${handshakeMilliseconds / 1000} s`)),
  );
  socket.once('error', (error) => resolve({ reason: error.message }));
  return promise;
}
