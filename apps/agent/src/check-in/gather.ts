import { hostname } from 'node:os';
import type { CheckIn, CommandResult, HealthReasons, HealthSample, UpgradeReport } from '@culvert/contracts';
import { versionSchema } from '@culvert/contracts';
import type { ConfigurationState } from '../configuration/configuration-store.ts';
import type { GatewayStatus } from '../gateway/gateway-client.ts';

/** What a check-in is made from. */
export interface Known {
  now: Date;
  agentVersion: string;
  /** Undefined while no gateway answers. */
  gateway: GatewayStatus | undefined;
  configuration: ConfigurationState;
  upgrade: UpgradeReport | undefined;
  samples: HealthSample[];
  reasons: HealthReasons;
  commandResults: CommandResult[];
  logsAreVerbose: boolean;
}

/** The document of a check-in. */
export function checkInOf(known: Known): CheckIn {
  const { gateway, configuration, upgrade } = known;
  return {
    sentAt: known.now.toISOString(),
    hostName: hostname().slice(0, 253),
    versions: {
      agent: known.agentVersion,
      ...version('gateway', gateway?.version),
      ...version('engine', gateway?.engine.version),
    },
    digests: {},
    ...(configuration.report === undefined ? {} : { configuration: configuration.report }),
    ...(configuration.appliedRevision === undefined
      ? {}
      : { appliedRevision: configuration.appliedRevision }),
    ...(upgrade === undefined ? {} : { upgrade }),
    sessions: gateway?.sessions ?? { connected: 0, away: 0, capacity: 0 },
    samples: known.samples,
    reasons: known.reasons,
    commandResults: known.commandResults.slice(0, 100),
    logsAreVerbose: known.logsAreVerbose,
  };
}

/** Nothing when the gateway tells none, or something else. */
function version(name: 'gateway' | 'engine', text: string | undefined): Partial<CheckIn['versions']> {
  return versionSchema.safeParse(text).success ? { [name]: text } : {};
}
