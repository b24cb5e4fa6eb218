import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { GatewayClient, GatewayStatus } from './gateway-client.ts';
import type { Before } from './host-upgrade.ts';

/** PROXY protocol v2, version 2 and command LOCAL without addresses: a check by the proxy itself (specification §2.2). */
const localProxyHeader = Buffer.from('0d0a0d0a000d0a515549540a20000000', 'hex');
const handshakeMilliseconds = 5_000;

/** What is wrong with the gateway at this moment, as a sentence; undefined when it serves devices. */
export async function lookAtGateway(gateway: GatewayClient): Promise<string | undefined> {
  const status = await gateway.status().catch((error: Error) => error);
  if (status instanceof Error) return `the gateway does not answer at its socket: ${status.message}`;
  if (!status.engine.connected) return 'the gateway has no engine; log/engine.log tells why';
  const problem = await tlsProblem(status);
  return problem === undefined ? undefined : `no TLS connection at port ${status.listenPort}: ${problem}`;
}

/**
 * What was lost in a hand over; to be asked once, as soon as the gateway is well, because devices come and go. Less than half
 * is no loss: devices sign out.
 */
export async function lostSessions(gateway: GatewayClient, before: Before): Promise<string | undefined> {
  const { engine } = await gateway.status();
  // Tunnels end with their engine; that their devices come back is up to them.
  if (before.engineProcessId === undefined || engine.processId !== before.engineProcessId) return undefined;
  const connected = new Set(await gateway.connectedSessions());
  const lost = before.sessions.filter((session) => !connected.has(session)).length;
  if (lost * 2 <= before.sessions.length) return undefined;
  return `${lost} of ${before.sessions.length} tunnels were lost when the gateway was changed`;
}

/** Whether a TLS handshake succeeds; who the certificate is for does not matter here. */
function tlsProblem({
  listenAddresses,
  listenPort,
  proxyProtocol,
}: GatewayStatus): Promise<string | undefined> {
  const [address] = listenAddresses ?? [];
  const host =
    address === undefined || address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '::1' : address;
  return new Promise((resolve) => {
    const transport = connect({ host, port: listenPort });
    const finish = (problem: string | undefined) => {
      clearTimeout(late);
      transport.destroy();
      resolve(problem);
    };
    const late = setTimeout(
      () => finish(`no handshake within ${handshakeMilliseconds / 1000} seconds`),
      handshakeMilliseconds,
    );
    transport.once('error', (error) => finish(error.message));
    transport.once('connect', () => {
      if (proxyProtocol) transport.write(localProxyHeader);
      const secure = connectTls({ socket: transport, rejectUnauthorized: false });
      secure.once('secureConnect', () => finish(undefined));
      secure.once('error', (error) => finish(error.message));
    });
  });
}
