/** What an agent has once it has joined. */
export interface Identity {
  serverId: string;
  /** PEM. */
  certificate: string;
  privateKey: string;
  /** Address of this computer that it connects from: each agent has one of its own, as in a real fleet. */
  localAddress: string;
}

/** Where agents connect, and whom they trust there. */
export interface Listener {
  host: string;
  port: number;
  /** PEM of the authority. */
  authority: string;
}

/** The loopback address of the agent with this number; all of 127.0.0.0/8 is this computer. */
export function localAddress(index: number): string {
  return `127.1.${Math.floor(index / 250)}.${(index % 250) + 1}`;
}
