import { isDeepStrictEqual } from 'node:util';
import { type Finding, quoteValue } from '@culvert/contracts';
import type { LoadedConfiguration } from './loaded-configuration.ts';

/** Fields that the tunnel interface, leased addresses and the places of the process are made from. */
const fixedFields: { path: string; read: (configuration: LoadedConfiguration) => unknown }[] = [
  { path: 'serverConfiguration.network', read: ({ standalone }) => standalone.serverConfiguration.network },
  {
    path: 'serverConfiguration.ipv6Network',
    read: ({ standalone }) => standalone.serverConfiguration.ipv6Network,
  },
  {
    path: 'serverConfiguration.advancedSettings',
    read: ({ settings }) => settings.maximumTransmissionUnit,
  },
  { path: 'tunnelInterface', read: ({ standalone }) => standalone.tunnelInterface },
  { path: 'stateDirectory', read: ({ standalone }) => standalone.stateDirectory },
];

/** Why a running gateway cannot take over the new configuration; empty when it can. */
export function restartProblems(running: LoadedConfiguration, next: LoadedConfiguration): Finding[] {
  return fixedFields
    .filter(({ read }) => !isDeepStrictEqual(read(running), read(next)))
    .map(({ path, read }) => {
      const what = path.endsWith('advancedSettings') ? 'maximum-transmission-unit ' : '';
      return {
        path,
        found: quoteValue(read(next)),
        message: `${what}cannot change while the gateway runs (it is ${quoteValue(read(running))}): restart the gateway, which ends its tunnels`,
      };
    });
}
