/** Outer headers of one DTLS packet with AES-GCM: IP, UDP 8, record 13, nonce 8, tag 16, type 1 (protocol.md §3.7). */
export const dtlsOverhead = { ipv4: 20 + 8 + 13 + 8 + 16 + 1, ipv6: 40 + 8 + 13 + 8 + 16 + 1 } as const;

/** RFC 791: what every IPv4 host takes. RFC 8200 §5: the least that an IPv6 link must carry. */
export const minimumIpv4Mtu = 576;
export const minimumIpv6Mtu = 1280;

export const defaultLinkMtu = 1500;

export interface TunnelMtu {
  /** Outer MTU that was used, for `X-CSTP-Base-MTU`. */
  base: number;
  /** Bytes of the largest inner packet. */
  inner: number;
  /** False when the inner MTU is too small for IPv6. */
  allowsIpv6: boolean;
}

/** The MTU of one tunnel from what the device and the administrator say about the path (protocol.md §3.7). */
export function tunnelMtu(
  clientBaseMtu: number,
  linkMtu: number | undefined,
  outerAddress: string,
): TunnelMtu {
  const base = Math.min(clientBaseMtu, linkMtu ?? defaultLinkMtu);
  const overhead = outerAddress.includes(':') ? dtlsOverhead.ipv6 : dtlsOverhead.ipv4;
  const inner = Math.max(base - overhead, minimumIpv4Mtu);
  return { base, inner, allowsIpv6: inner >= minimumIpv6Mtu };
}
