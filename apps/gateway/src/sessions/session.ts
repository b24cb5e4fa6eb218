import type { Platform } from '@culvert/contracts';
import type { Lease } from '../addresses/address-pool.ts';

/**
 * `waiting`: not in the engine; ends at `deadline` unless the device connects.
 * `attached`: in the engine, which keeps its timeouts.
 * `ending`: an administrator or the user ended it; the engine has not confirmed yet.
 */
export type SessionState = 'waiting' | 'attached' | 'ending';

/** Bytes of inner packets from the device and to it. */
export interface Traffic {
  bytesIn: number;
  bytesOut: number;
}

export const noTraffic: Readonly<Traffic> = Object.freeze({ bytesIn: 0, bytesOut: 0 });

/** What a device said about itself when it signed in. */
export interface DeviceFacts {
  platform: Platform;
  deviceType?: string | undefined;
  /** `unique-id` of mobile and Cisco clients. */
  deviceUniqueId?: string | undefined;
  userAgent?: string | undefined;
  remoteAddress: string;
}

/** A signed-in device. It outlives its connections; only the cookie's hash is kept. */
export interface Session extends DeviceFacts {
  readonly id: string;
  readonly cookieHash: string;
  readonly user: string;
  readonly lease: Lease;
  /**
   * 32 random bytes as hexadecimal digits. The same for as long as one engine holds the session, so that DTLS
   * survives a reconnect; another one for another engine, so that the device makes new keys (protocol.md §1.10).
   */
  dtlsId: string;
  readonly signedInAt: number;
  /** Counted from sign-in: reconnecting does not prolong a session (protocol.md §7.2, #599). */
  readonly endsAt: number;
  state: SessionState;
  /** Only meaningful while `waiting`. */
  deadline: number;
  hostname: string | undefined;
  /** When the first tunnel opened. */
  connectedAt: number | undefined;
  /** What engines that are gone have carried. */
  carried: Readonly<Traffic>;
  /** What the present engine has carried, as far as is known: it keeps the counters and is asked now and then. */
  seen: Readonly<Traffic>;
  /** `attached`, but the device's connection is gone and the engine waits for it. Not stored. */
  lost: boolean;
  /** Bytes of the largest inner packet of the tunnel that this process opened last. Not stored. */
  mtu: number | undefined;
}

/** Time between sign-in and the first CONNECT; long enough for `--authenticate` in one shell and `--cookie` in another. */
export const firstConnectMilliseconds = 5 * 60_000;
