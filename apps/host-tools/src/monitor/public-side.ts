import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { z } from 'zod';

/** The part of `gateway.json` that says where devices connect; the rest is the gateway's own business. */
const publicSideSchema = z.object({
  serverConfiguration: z.object({ listenPort: z.int().default(443) }),
  listenAddresses: z.array(z.string()).optional(),
  proxyProtocol: z.boolean().default(false),
});
type PublicSide = z.output<typeof publicSideSchema>;

/** PROXY protocol v2, version 2 and command LOCAL without addresses: a check by the proxy itself (specification §2.2). */
const localProxyHeader = Buffer.from('0d0a0d0a000d0a515549540a20000000', 'hex');
const handshakeMilliseconds = 5_000;

/** Why devices cannot connect to the gateway of this configuration document; undefined when a TLS handshake succeeds. */
export async function publicSideProblem(document: unknown): Promise<string | undefined> {
  try {
    await shakeHands(publicSideSchema.parse(document));
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Who the certificate is for does not matter here. */
function shakeHands({ serverConfiguration, listenAddresses, proxyProtocol }: PublicSide): Promise<void> {
  const { listenPort } = serverConfiguration;
  const [address] = listenAddresses ?? [];
  const host =
    address === undefined || address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '::1' : address;
  return new Promise((resolve, reject) => {
    const transport = connect({ host, port: listenPort });
    const finish = (problem?: string) => {
      clearTimeout(late);
      transport.destroy();
      if (problem === undefined) resolve();
      else reject(new Error(`no TLS connection at port ${listenPort} of ${host}: ${problem}`));
    };
    const late = setTimeout(
      () => finish(`no handshake within ${handshakeMilliseconds / 1000} seconds`),
      handshakeMilliseconds,
    );
    transport.once('error', (error) => finish(error.message));
    transport.once('connect', () => {
      if (proxyProtocol) transport.write(localProxyHeader);
      const secure = connectTls({ socket: transport, rejectUnauthorized: false });
      secure.once('secureConnect', () => finish());
      secure.once('error', (error) => finish(error.message));
    });
  });
}
