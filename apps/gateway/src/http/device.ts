/** What the engine tells about the device at the far end of a relayed connection. */
export interface Device {
  /** Name of the connection in the engine (PROXY TLV 0xE0). */
  connection: number;
  /** Public address of the device; an IPv4 address never in its IPv6-mapped form. */
  address: string;
  port: number;
  serverAddress: string;
  serverPort: number;
  tlsVersion: string | undefined;
  tlsCipherSuite: string | undefined;
  /** What the device sent, DER, leaf first; empty without a client certificate. */
  certificateChain: Buffer[];
  /** True when the TLS handshake proved that the device holds the key of the leaf. */
  possessionProved: boolean;
}

/** `TLSv1.3 TLS_AES_256_GCM_SHA384`, or what is known of it. */
export function describeTls(device: Device): string | undefined {
  const parts = [device.tlsVersion, device.tlsCipherSuite].filter((part) => part !== undefined);
  return parts.length === 0 ? undefined : parts.join(' ');
}
