export type Protocol = 'tcp' | 'udp';

/** Whether a firewall lets packets from outside come to a port. */
export type Reach = 'open' | 'closed' | 'unknown';
