import { tableName } from './firewall-rules.ts';

/** Longer than an engine takes to start under full load; afterwards the kernel lets go by itself. */
const longestHoldSeconds = 10;

/**
 * The nft script that drops the first packet of new TCP connections to a port. Their clients send it again after a second,
 * while a port without a listener would refuse them, and a client that is refused waits ten. What is held ends by itself, so
 * that a gateway that dies meanwhile locks nobody out.
 */
export function holdScript(tunnelInterface: string, port: number): string {
  const table = holdTable(tunnelInterface);
  return `${releaseScript(tunnelInterface)}table ${table} {
  set ports {
    type inet_service
    flags timeout
    elements = { ${port} timeout ${longestHoldSeconds}s }
  }
  chain input {
    type filter hook input priority raw; policy accept;
    tcp flags & (syn | ack) == syn tcp dport @ports drop
  }
}
`;
}

/** The nft script that ends it, whether something is held or not. */
export function releaseScript(tunnelInterface: string): string {
  const table = holdTable(tunnelInterface);
  return `table ${table}\ndelete table ${table}\n`;
}

function holdTable(tunnelInterface: string): string {
  return `inet ${tableName(tunnelInterface)}_held`;
}
