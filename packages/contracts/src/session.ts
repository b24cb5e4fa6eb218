import { z } from 'zod';
import { address } from './networks.ts';
import { platforms } from './standalone-configuration.ts';

/** A signed-in device as administrators see it. Times are Unix time in milliseconds. */
export const sessionViewSchema = z.strictObject({
  id: z.string(),
  user: z.string(),
  /** `away` also stands for a device that signed in and has not opened its tunnel yet; `ending` is shown only when asked for. */
  state: z.enum(['connected', 'away', 'ending']),
  /** Where packets to the device go at this moment. */
  channel: z.enum(['dtls', 'tls', 'none']),
  ipv4: address('ipv4'),
  ipv6: address('ipv6').optional(),
  remoteAddress: z.string().optional(),
  deviceType: z.string().optional(),
  platform: z.enum(platforms).optional(),
  hostname: z.string().optional(),
  userAgent: z.string().optional(),
  signedInAt: z.int(),
  /** When the first tunnel opened. */
  connectedAt: z.int().optional(),
  /** When the device was heard last. */
  lastActivityAt: z.int().optional(),
  endsAt: z.int(),
  /** Bytes of inner packets from the device. */
  bytesIn: z.int(),
  /** Bytes of inner packets to the device. */
  bytesOut: z.int(),
  /** Bytes of the largest inner packet of its tunnel. */
  mtu: z.int().optional(),
  /** Version and cipher suite of the TLS channel. */
  tls: z.string().optional(),
  /** Cipher suite of the DTLS channel. */
  dtls: z.string().optional(),
});
export type SessionView = z.output<typeof sessionViewSchema>;

/** An address that may not sign in for a while because it kept guessing. */
export const banViewSchema = z.strictObject({
  /** An IPv4 address, or an IPv6 network of 64 bits. */
  address: z.string(),
  failures: z.int(),
  /** Unix time in milliseconds. */
  until: z.int(),
});
export type BanView = z.output<typeof banViewSchema>;
