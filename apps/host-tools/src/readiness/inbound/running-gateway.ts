import { request } from 'node:http';
import { connect as connectTcp } from 'node:net';
import { connect } from 'node:tls';
import { fingerprintOf } from '@culvert/control-plane-client/trust.ts';
import { z } from 'zod';
import type { ProbeListener } from './listen-for-probe.ts';

const milliseconds = 3_000;
const statusSchema = z.object({
  engine: z.object({ counters: z.object({ datagramsFromStrangers: z.number() }) }),
});

/** A gateway that runs at the port already: its certificate answers over TCP, and it counts what arrives over UDP. */
export interface RunningGateway extends ProbeListener {
  /** Datagrams of nobody's session so far; undefined when the gateway does not say. */
  datagramsSoFar(): Promise<number | undefined>;
}

/** Finds the gateway at a port of this host. Rejects with an Error when no TLS answers there. */
export async function runningGatewayAt(port: number, adminSocket: string): Promise<RunningGateway> {
  return {
    certificateFingerprint: await servedFingerprint(port),
    udpCookie: null,
    datagramsSoFar: () => strangersOf(adminSocket),
    close: async () => {},
  };
}

function servedFingerprint(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const transport = connectTcp({ host: '127.0.0.1', port });
    const secured = connect({ socket: transport, rejectUnauthorized: false });
    const finish = (settle: () => void) => {
      clearTimeout(timer);
      transport.destroy();
      settle();
    };
    const fail = (error: Error) => finish(() => reject(error));
    const timer = setTimeout(() => fail(new Error('no TLS handshake in time')), milliseconds);
    transport.once('error', fail);
    secured.once('error', fail);
    secured.once('secureConnect', () => {
      const shown = secured.getPeerX509Certificate();
      if (shown === undefined) fail(new Error('no certificate is shown'));
      else finish(() => resolve(fingerprintOf(shown)));
    });
  });
}

/** `status` of the gateway. A gateway that does not answer only leaves the count unknown. */
function strangersOf(socketPath: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const sent = request({ socketPath, path: '/status', timeout: milliseconds }, async (response) => {
      const text = (await response.toArray()).join('');
      resolve(readStrangers(text));
    });
    sent.once('timeout', () => sent.destroy());
    sent.once('error', () => resolve(undefined));
    sent.end();
  });
}

/** The count in a status of the gateway; undefined when it is something else. */
export function readStrangers(text: string): number | undefined {
  try {
    return statusSchema.safeParse(JSON.parse(text)).data?.engine.counters.datagramsFromStrangers;
  } catch {
    return undefined;
  }
}
