import { z } from 'zod';
import { banViewSchema, sessionViewSchema } from './session.ts';

/** `GET /status` of a gateway's `admin.sock`. Times are Unix time in milliseconds; a later gateway may tell more. */
export const gatewayStatusSchema = z.object({
  /** Of the gateway's own process. */
  version: z.string(),
  processId: z.int(),
  file: z.string(),
  publicAddress: z.string(),
  listenPort: z.int(),
  startedAt: z.int(),
  /** Addresses of the public side; absent for all of them. */
  listenAddresses: z.array(z.string()).optional(),
  /** True when every connection has to begin with a PROXY header. */
  proxyProtocol: z.boolean(),
  engine: z.object({
    connected: z.boolean(),
    version: z.string().optional(),
    processId: z.int().optional(),
    counters: z.record(z.string(), z.number()),
  }),
  sessions: z.object({
    connected: z.int(),
    /** Signed in, without a tunnel at the moment. */
    away: z.int(),
    /** Sessions that there can be. */
    capacity: z.int(),
  }),
  counters: z.record(z.string(), z.number()),
  /** Since the gateway's process has started. */
  totals: z.object({
    /** Sessions that have ended, by their reason. */
    ended: z.record(z.string(), z.int()),
    averageSessionSeconds: z.int(),
    longestSessionSeconds: z.int(),
    /** Inner bytes of the sessions that there are and of those that have ended, from devices and to them. */
    bytesIn: z.int(),
    bytesOut: z.int(),
  }),
  /** What devices are given. */
  tunnel: z.object({
    interface: z.string(),
    network: z.string(),
    ipv6Network: z.string().optional(),
    /** Bytes of the largest inner packet that the interface takes. */
    mtu: z.int(),
    deadPeerDetectionSeconds: z.int(),
    dnsServers: z.array(z.string()),
    splitDns: z.array(z.string()),
    defaultDomainSuffix: z.string().optional(),
    routeIncludes: z.array(z.string()),
    routeExcludes: z.array(z.string()),
  }),
});
export type GatewayStatus = z.output<typeof gatewayStatusSchema>;

/** `GET /sessions`; with `?ending=true` also those that are being ended. */
export const sessionListSchema = z.object({ sessions: z.array(sessionViewSchema) });

/** `GET /bans` */
export const banListSchema = z.object({ bans: z.array(banViewSchema) });

/** An address with failed sign-ins that count against it, banned or not. */
export const banPointsSchema = z.strictObject({
  /** An IPv4 address, or an IPv6 network of 64 bits. */
  address: z.string(),
  /** Failures that count at this moment; a ban keeps those that brought it. */
  failures: z.int(),
  /** End of the ban, Unix time in milliseconds; absent for an address that is free to sign in. */
  bannedUntil: z.int().optional(),
});
export type BanPoints = z.output<typeof banPointsSchema>;

/** `GET /ban-points`, with the number of failures that brings a ban. */
export const banPointsListSchema = z.object({
  points: z.array(banPointsSchema),
  failuresBeforeBan: z.int(),
});

/** The body of `POST /disconnect`. */
export const disconnectRequestSchema = z
  .strictObject({
    session: z.string().min(1).max(64).optional(),
    user: z.string().min(1).max(254).optional(),
    /** Every client shows it as one line; more would be cut by them. */
    message: z
      .string()
      .max(256)
      .regex(/^\P{Cc}*$/u, { error: 'must be one line' })
      .default('Disconnected by the administrator'),
  })
  .refine(({ session, user }) => (session === undefined) !== (user === undefined), {
    error: 'expected either session or user',
  });

/** The body of `POST /unban`. */
export const unbanRequestSchema = z.union([
  z.strictObject({ address: z.string().min(1).max(64) }),
  z.strictObject({ all: z.literal(true) }),
]);

/**
 * One line of `GET /events`: what happens from the moment of the request on. Everything but `missed` and `ban` is a line of
 * the access log.
 */
export const gatewayEventSchema = z.object({
  time: z.iso.datetime(),
  event: z.enum(['signIn', 'connect', 'reconnect', 'end', 'ban', 'missed']),
  /** Of a `signIn`. */
  result: z.enum(['accepted', 'refused']).optional(),
  reason: z.string().optional(),
  detail: z.string().optional(),
  user: z.string().optional(),
  session: z.string().optional(),
  deviceType: z.string().optional(),
  platform: z.string().optional(),
  hostname: z.string().optional(),
  userAgent: z.string().optional(),
  remoteAddress: z.string().optional(),
  ipv4: z.string().optional(),
  ipv6: z.string().optional(),
  /** Of an `end`. */
  bytesIn: z.int().optional(),
  bytesOut: z.int().optional(),
  durationSeconds: z.int().optional(),
  /** Of a `ban`: the address, as in the list of bans. */
  address: z.string().optional(),
  failures: z.int().optional(),
  until: z.int().optional(),
  /** Of `missed`: events that this reader was too slow for. */
  count: z.int().optional(),
});
export type GatewayEvent = z.output<typeof gatewayEventSchema>;
