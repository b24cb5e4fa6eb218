import type { StandaloneConfiguration } from '@culvert/contracts';
import type { Network } from '../network/network.ts';
import type { Authority, IssuedCertificate } from './certificates.ts';

export type ServerKind = 'culvert' | 'ocserv';

/** What the lab varies from test to test; names and meaning are those of the configuration file. */
export interface ServerSettings {
  server: Partial<Omit<StandaloneConfiguration['serverConfiguration'], 'advancedSettings'>>;
  /** `advancedSettings` by name. */
  advanced: Record<string, string>;
  /** The rest of the file. */
  gateway: Partial<Omit<StandaloneConfiguration, 'serverConfiguration'>>;
  /** Accounts by name, with their passwords. */
  accounts: Record<string, string>;
}

/** The accounts of every server of the lab that does not ask for others. */
export const labAccounts = {
  alice: 'correct horse battery staple',
  bob: 'a second password of the lab',
} as const;

export const devicePool = '10.70.0.0/16';
export const devicePool6 = 'fd70::/112';

export function serverSettings(changes: Partial<ServerSettings> = {}): ServerSettings {
  return {
    server: {
      displayName: 'lab',
      network: devicePool,
      ipv6Network: devicePool6,
      dnsServers: ['10.60.0.53'],
      defaultDomainSuffix: 'corp.test',
      routeIncludes: ['10.60.0.0/16', 'fd60::/64'],
      ...changes.server,
    },
    advanced: { ...changes.advanced },
    gateway: { ...changes.gateway },
    accounts: changes.accounts ?? labAccounts,
  };
}

/** Where a server of the lab runs and how it shows itself. */
export interface ServerPlace {
  network: Network;
  authority: Authority;
  certificate: IssuedCertificate;
}

/** A VPN server in the gateway namespace: the product or its peer. */
export interface Server {
  readonly kind: ServerKind;
  readonly place: ServerPlace;
  readonly settings: ServerSettings;
  /** Ids of all its processes at this moment. */
  processes(): number[];
  /** What it has printed. */
  readonly output: string;
  stop(): Promise<void>;
}
