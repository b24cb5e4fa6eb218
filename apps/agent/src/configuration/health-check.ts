import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import type { StandaloneConfiguration } from '@culvert/contracts';
import type { GatewayClient } from '../gateway/gateway-client.ts';
import { NotRunning } from '../gateway/unix-http.ts';

/** Milliseconds between two looks. */
const interval = 250;
const answerMilliseconds = 3_000;

/** Tells why the gateway of this host is not well; undefined when it is. */
export type HealthCheck = (patience: number) => Promise<string | undefined>;

/**
 * Looks until the gateway is well, or for `patience` milliseconds: its status answers, its engine is there, and a device
 * that connects to its port gets an answer.
 */
export function healthCheck(
  gateway: Pick<GatewayClient, 'status'>,
  configuration: () => Promise<StandaloneConfiguration>,
): HealthCheck {
  return async (patience) => {
    const end = performance.now() + patience;
    for (;;) {
      const trouble = await look();
      if (trouble === undefined || performance.now() >= end) return trouble;
      await sleep(interval);
    }
  };

  async function look(): Promise<string | undefined> {
    try {
      const { engine } = await gateway.status();
      if (!engine.connected) return 'the gateway runs, but its engine does not';
      return await askAsDevice(await configuration());
    } catch (error) {
      if (error instanceof NotRunning) return 'the gateway is not running';
      return `the gateway does not answer: ${error instanceof Error ? error.message : String(error)}`;
    }
  }
}

/** One request over TLS to the gateway's own port. Any answer will do. */
function askAsDevice(configuration: StandaloneConfiguration): Promise<string | undefined> {
  const port = configuration.serverConfiguration.listenPort;
  const host = configuration.listenAddresses?.[0] ?? '127.0.0.1';
  const socket = connect({ host, port });
  return new Promise((resolve) => {
    const finish = (trouble?: string) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(trouble === undefined ? undefined : `port ${port} of the gateway ${trouble}`);
    };
    const timer = setTimeout(() => finish('does not answer'), answerMilliseconds);
    socket.on('error', ({ message }) => finish(`cannot be reached: ${message}`));
    socket.once('connect', () => {
      // Behind a balancer every connection has a header; this one is for a check of the balancer's own.
      if (configuration.proxyProtocol) socket.write('PROXY UNKNOWN\r\n');
      // The certificate is judged elsewhere; this is about whether somebody answers.
      const secured = connectTls({ socket, rejectUnauthorized: false, minVersion: 'TLSv1.2' });
      secured.on('error', ({ message }) => finish(`does not answer over TLS: ${message}`));
      secured.once('close', () => finish('closed the connection without an answer'));
      secured.once('data', () => finish());
      secured.write(`GET / HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`);
    });
  });
}
