import { z } from 'zod';
import { address } from './networks.ts';

/**
 * Messages on the control socket between the gateway and the engine: one JSON object a line.
 * The gateway sends requests that carry an `id`; the engine answers each with `result` and sends events.
 * The Rust side of the same messages is `engine/crates/engine/src/control/messages.rs`;
 * `engine-messages.examples.json` is read by the tests of both sides.
 */
export const engineProtocolVersion = 1;

const hex = (bytes?: number) =>
  z.string().regex(bytes === undefined ? /^([0-9a-f]{2})+$/ : new RegExp(`^[0-9a-f]{${bytes * 2}}$`));

/** Name of a session between gateway and engine: 8 random bytes as hexadecimal digits. It is not a secret. */
export const sessionIdSchema = hex(8);

const dtlsSchema = z.discriminatedUnion('mode', [
  z.strictObject({
    mode: z.literal('psk'),
    /** `X-DTLS-App-ID`, 32 bytes. */
    appId: hex(32),
    /** `X-DTLS-Master-Secret` of the client, which tells a stale pre-shared key; absent when the client sent none. */
    clientMasterSecret: hex(48).optional(),
  }),
  z.strictObject({
    mode: z.literal('resume'),
    /** `X-DTLS-Session-ID`, 32 bytes. */
    sessionId: hex(32),
    masterSecret: hex(48),
    /** Name as it stands in `X-DTLS12-CipherSuite` or `X-DTLS-CipherSuite`. */
    cipherSuite: z.string(),
  }),
]);

export const configureRequestSchema = z.strictObject({
  type: z.literal('configure'),
  id: z.int(),
  listen: z.strictObject({ addresses: z.array(address()), port: z.int(), udp: z.boolean() }),
  proxyProtocol: z.boolean(),
  tls: z.strictObject({
    /** DER of the leaf first, then the chain; base64. */
    certificates: z.array(z.base64()),
    /** PKCS#8 DER, base64. */
    privateKey: z.base64(),
    requestClientCertificate: z.boolean(),
  }),
  tunnel: z.strictObject({
    interface: z.string(),
    /** Bytes of the largest inner packet. */
    mtu: z.int(),
    /** The gateway's own addresses inside the tunnel. */
    gatewayIpv4: address('ipv4'),
    gatewayIpv6: address('ipv6').optional(),
  }),
});

export const attachRequestSchema = z.strictObject({
  type: z.literal('attach'),
  id: z.int(),
  /** From the PROXY header of the relayed connection (TLV 0xE0). */
  connection: z.int(),
  session: sessionIdSchema,
  ipv4: address('ipv4'),
  ipv6: address('ipv6').optional(),
  mtu: z.int(),
  /** The whole answer to CONNECT, base64; sent over TLS before the first packet. */
  response: z.base64(),
  dtls: dtlsSchema.optional(),
  deadPeerDetectionSeconds: z.int(),
  idleTimeoutSeconds: z.int().optional(),
  roamingTimeoutSeconds: z.int(),
  /** Unix time in milliseconds when the session ends, counted from sign-in. */
  endsAt: z.int(),
});

export const detachRequestSchema = z.strictObject({
  type: z.literal('detach'),
  id: z.int(),
  session: sessionIdSchema,
  /** Shown to the user by the client. */
  message: z.string(),
});

export const engineRequestSchema = z.discriminatedUnion('type', [
  configureRequestSchema,
  attachRequestSchema,
  detachRequestSchema,
  z.strictObject({ type: z.literal('list'), id: z.int() }),
  z.strictObject({ type: z.literal('status'), id: z.int() }),
  /** The gateway has written the end of this session to its log; the engine may forget it. */
  z.strictObject({ type: z.literal('acknowledge'), id: z.int(), session: sessionIdSchema }),
  /** Closes every connection without a goodbye and ends the process. */
  z.strictObject({ type: z.literal('shutdown'), id: z.int() }),
]);
export type EngineRequest = z.output<typeof engineRequestSchema>;

const countersSchema = z.strictObject({
  /** Bytes of inner packets from the device. */
  bytesIn: z.int(),
  /** Bytes of inner packets to the device. */
  bytesOut: z.int(),
  packetsIn: z.int(),
  packetsOut: z.int(),
});
export type SessionCounters = z.output<typeof countersSchema>;

export const endReasons = [
  'clientDisconnect',
  'roamingTimeout',
  'idleTimeout',
  'sessionTimeout',
  'detached',
] as const;

export const attachedSessionSchema = z.strictObject({
  session: sessionIdSchema,
  ipv4: address('ipv4'),
  ipv6: address('ipv6').optional(),
  /** Where downlink packets go at this moment; `none` while the device is away. */
  channel: z.enum(['dtls', 'tls', 'none']),
  tcpPeer: z.string().optional(),
  udpPeer: z.string().optional(),
  tlsVersion: z.string().optional(),
  tlsCipherSuite: z.string().optional(),
  dtlsCipherSuite: z.string().optional(),
  /** Unix time in milliseconds. */
  attachedAt: z.int(),
  lastActivityAt: z.int(),
  counters: countersSchema,
});
export type AttachedSession = z.output<typeof attachedSessionSchema>;

/** The answer to one request. */
const resultSchema = z.discriminatedUnion('ok', [
  z.strictObject({
    type: z.literal('result'),
    id: z.int(),
    ok: z.literal(true),
    /** Answer to `list`. */
    sessions: z.array(attachedSessionSchema).optional(),
    /** Answer to `status`: named counters of the whole engine. */
    status: z.record(z.string(), z.number()).optional(),
  }),
  z.strictObject({ type: z.literal('result'), id: z.int(), ok: z.literal(false), error: z.string() }),
]);

export const engineEventSchema = z.discriminatedUnion('type', [
  /** First line of every control connection. `configured` is false on a fresh engine. */
  z.strictObject({
    type: z.literal('hello'),
    protocol: z.int(),
    engineVersion: z.string(),
    pid: z.int(),
    configured: z.boolean(),
  }),
  resultSchema,
  /** The session is over; sent again on each new control connection until acknowledged. */
  z.strictObject({
    type: z.literal('ended'),
    session: sessionIdSchema,
    reason: z.enum(endReasons),
    /** Unix time in milliseconds. */
    at: z.int(),
    counters: countersSchema,
  }),
  /** The TLS connection is gone; the session waits for its device. */
  z.strictObject({ type: z.literal('lost'), session: sessionIdSchema, at: z.int() }),
  /** The DTLS channel came up, went down or moved to another source address. */
  z.strictObject({
    type: z.literal('channel'),
    session: sessionIdSchema,
    dtls: z.enum(['up', 'down', 'moved']),
    peer: z.string().optional(),
  }),
]);
export type EngineEvent = z.output<typeof engineEventSchema>;
export type EndReason = (typeof endReasons)[number];
