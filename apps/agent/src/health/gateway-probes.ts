import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { daysLeft } from './certificate-days.ts';
import type { GatewayStatus } from './gateway-status.ts';
import type { KnownGateway, Served } from './known-gateway.ts';
import { type Measurement, type Measurements, messageOf, minutes, type Probe, seconds } from './probe.ts';

/** `currentConnections` from the gateway, `serverContainerHealthy` and `tlsCertificateDaysLeft` by a visit to its front. */
export function gatewayProbe(gateway: KnownGateway, now: () => Date): Probe {
  return {
    metrics: ['currentConnections', 'serverContainerHealthy', 'tlsCertificateDaysLeft'],
    periodMilliseconds: 10 * seconds,
    limitMilliseconds: 8 * seconds,
    async measure() {
      const [asked, served] = await Promise.all([settle(gateway.status()), settle(gateway.served())]);
      return judgeGateway(asked, served, now());
    },
  };
}

export type Settled<Value> = { value: Value; error?: never } | { value?: never; error: string };

/** What the two answers mean. */
export function judgeGateway(
  status: Settled<GatewayStatus>,
  served: Settled<Served>,
  now: Date,
): Measurements {
  const leaf = served.value?.chain[0];
  return {
    currentConnections:
      status.value === undefined ? { reason: status.error } : { value: status.value.sessions.connected },
    serverContainerHealthy: judgeHealth(status, served),
    tlsCertificateDaysLeft:
      leaf === undefined
        ? { reason: served.error ?? 'the gateway sends no certificate' }
        : daysLeft(
            leaf,
            now,
            'put a renewed one into the file of the gateway, which takes it over by itself',
          ),
  };
}

function judgeHealth(status: Settled<GatewayStatus>, served: Settled<Served>): Measurement {
  if (status.value === undefined) return { value: 0, reason: status.error };
  if (!status.value.engine.connected)
    return { value: 0, reason: 'the gateway has no engine, so no packet passes' };
  if (served.value === undefined) return { value: 0, reason: served.error };
  const { status: answer } = served.value;
  if (answer >= 500)
    return { value: 0, reason: `the gateway answers GET / with status ${answer}; it may be draining` };
  return { value: 1 };
}

async function settle<Value>(promise: Promise<Value>): Promise<Settled<Value>> {
  try {
    return { value: await promise };
  } catch (error) {
    return { error: messageOf(error) };
  }
}

/** `agentCertificateDaysLeft` from the file of the agent's certificate. */
export function agentCertificateProbe(file: string, now: () => Date): Probe {
  return {
    metrics: ['agentCertificateDaysLeft'],
    periodMilliseconds: 1 * minutes,
    limitMilliseconds: 5 * seconds,
    async measure() {
      return { agentCertificateDaysLeft: judgeAgentCertificate(await readText(file), now()) };
    },
  };
}

/** The first certificate of the file is the agent's own. */
export function judgeAgentCertificate(pem: string | undefined, now: Date): Measurement {
  if (pem === undefined) return { reason: 'this server has not joined yet: it has no certificate' };
  try {
    return daysLeft(new X509Certificate(pem), now, 'join this server again with a new join token');
  } catch {
    return { reason: 'the file with the certificate of the agent cannot be read; join this server again' };
  }
}

async function readText(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
