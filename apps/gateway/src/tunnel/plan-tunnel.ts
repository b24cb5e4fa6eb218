import type { Attachment } from '../engine/engine.ts';
import type { Device } from '../http/device.ts';
import type { Session } from '../sessions/session.ts';
import type { ConnectRequest } from './connect-request.ts';
import { type ConnectAnswer, connectResponse } from './connect-response.ts';
import { chooseDtlsMode, type DtlsMode, resumptionSessionId } from './dtls-mode.ts';
import { tunnelMtu } from './mtu.ts';

export interface TunnelFacts {
  request: ConnectRequest;
  device: Device;
  session: Session;
  configuration: ConnectAnswer['configuration'];
  gatewayIpv4: string;
  gatewayIpv6: string | undefined;
  now: number;
  /** From 0 up to 1. */
  random: number;
}

/** Everything that the engine needs to open the tunnel of one CONNECT, the answer to the device included. */
export function planTunnel(facts: TunnelFacts): Attachment {
  const { request, device, session, configuration, gatewayIpv4, gatewayIpv6, now, random } = facts;
  const { settings, standalone } = configuration;
  const mtu = tunnelMtu(request.baseMtu, settings.maximumTransmissionUnit, device.address);
  const ipv6 = request.wantsIpv6 && (mtu.allowsIpv6 || holdsIpv6(facts)) ? session.lease.ipv6 : undefined;
  const dtls = standalone.serverConfiguration.disableUdpConnections ? undefined : chooseDtlsMode(request);
  const dtlsId = dtls?.mode === 'resume' ? resumptionSessionId(session.dtlsId) : session.dtlsId;
  const response = connectResponse({
    request,
    configuration,
    ipv4: session.lease.ipv4,
    ipv6,
    gatewayIpv4,
    gatewayIpv6,
    mtu,
    dtls,
    dtlsId,
    sessionSeconds: Math.round((session.endsAt - session.signedInAt) / 1000),
    remainingSeconds: Math.max(1, Math.floor((session.endsAt - now) / 1000)),
    random,
  });
  const dtlsAttachment = attachedDtls(dtls, dtlsId, request.dtlsMasterSecret);
  return {
    connection: device.connection,
    session: session.id,
    ipv4: session.lease.ipv4,
    ...(ipv6 === undefined ? {} : { ipv6 }),
    mtu: mtu.inner,
    response: Buffer.from(response, 'utf8').toString('base64'),
    ...(dtlsAttachment === undefined ? {} : { dtls: dtlsAttachment }),
    deadPeerDetectionSeconds: settings.deadPeerDetectionSeconds,
    ...(settings.idleTimeoutSeconds === undefined ? {} : { idleTimeoutSeconds: settings.idleTimeoutSeconds }),
    roamingTimeoutSeconds: settings.roamingTimeoutSeconds,
    endsAt: session.endsAt,
  };
}

/** A device that has roamed to a narrower path keeps its IPv6 address: it ends when an address is missing (protocol.md §1.9). */
function holdsIpv6({ request, session }: TunnelFacts): boolean {
  return session.lease.ipv6 !== undefined && request.heldAddresses.includes(session.lease.ipv6);
}

function attachedDtls(
  mode: DtlsMode | undefined,
  id: string,
  masterSecret: string | undefined,
): Attachment['dtls'] {
  if (mode === undefined) return undefined;
  if (mode.mode === 'psk') {
    return {
      mode: 'psk',
      appId: id,
      ...(masterSecret === undefined ? {} : { clientMasterSecret: masterSecret }),
    };
  }
  if (masterSecret === undefined) return undefined;
  return { mode: 'resume', sessionId: id, masterSecret, cipherSuite: mode.cipherSuite };
}
