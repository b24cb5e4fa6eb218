/**
 * Holds our entity types against the types that Microsoft publishes for Graph (beta). There is nothing to run: when the two drift
 * apart, this file does not compile.
 */
import type { deploymentModes } from '@culvert/contracts';
import type {
  KeyValuePair,
  MicrosoftTunnelConfiguration,
  MicrosoftTunnelDeploymentMode,
  MicrosoftTunnelHealthThreshold,
  MicrosoftTunnelLogCollectionStatus,
  MicrosoftTunnelServer,
  MicrosoftTunnelServerHealthStatus,
  MicrosoftTunnelServerLogCollectionResponse,
  MicrosoftTunnelSite,
  NullableOption,
  RoleScopeTag,
} from '@microsoft/microsoft-graph-types-beta';
import type { healthThresholds } from '../health-thresholds/entity.ts';
import type { ThresholdKind } from '../health-thresholds/thresholds.ts';
import type { logCollectionStatuses, logCollections } from '../log-collections/entity.ts';
import type { EntityType, Field } from '../odata/entity-type.ts';
import type { scopeTags } from '../scope-tags/entity.ts';
import type { serverConfigurations } from '../server-configurations/entity.ts';
import type { formerNames } from '../server-configurations/resource.ts';
import type { healthStatuses, servers } from '../servers/entity.ts';
import type { sites } from '../sites/entity.ts';

/** The value of a property in our answers. */
type Value<Of extends Field> = Of extends { type: 'enum'; members: readonly (infer Member)[] }
  ? Member
  : Of['type'] extends 'boolean'
    ? boolean
    : Of['type'] extends 'int32' | 'int64'
      ? number
      : Of['type'] extends 'stringCollection'
        ? string[]
        : Of['type'] extends 'complexCollection'
          ? KeyValuePair[]
          : string;

type Nullable<Of extends Field> = Of extends { isLeftOut: true }
  ? Value<Of> | undefined
  : Of extends { isNullable: true }
    ? NullableOption<Value<Of>>
    : Value<Of>;

/** An object as our answers show it. */
type Answer<Of extends EntityType> = { [Name in keyof Of['fields']]: Nullable<Of['fields'][Name]> };

/** Properties of Graph's type that ours does not have. */
type Missing<Graph, Of extends EntityType, Further = never> = Exclude<
  keyof Graph,
  keyof Of['fields'] | keyof Of['navigation'] | Further
>;

type IsNever<Type> = [Type] extends [never] ? true : false;
type IsSame<One, Other> = [One, Other] extends [Other, One] ? true : false;
/** A property of the same name has a type that Graph's clients can read. */
type Fits<Mine, Graph> = Mine extends { [Name in keyof Mine & keyof Graph]: Graph[Name] } ? true : false;

type Holds<Claims extends Record<string, true>> = Claims;

export type OurTypesAreThoseOfGraph = Holds<{
  configurationFits: Fits<Answer<typeof serverConfigurations.entity>, MicrosoftTunnelConfiguration>;
  configurationIsWhole: IsNever<
    Missing<MicrosoftTunnelConfiguration, typeof serverConfigurations.entity, keyof typeof formerNames>
  >;
  siteFits: Fits<Answer<typeof sites.entity>, MicrosoftTunnelSite>;
  siteIsWhole: IsNever<Missing<MicrosoftTunnelSite, typeof sites.entity>>;
  serverFits: Fits<Answer<typeof servers.entity>, MicrosoftTunnelServer>;
  serverIsWhole: IsNever<Missing<MicrosoftTunnelServer, typeof servers.entity>>;
  thresholdFits: Fits<Answer<typeof healthThresholds.entity> & ThresholdKind, MicrosoftTunnelHealthThreshold>;
  thresholdIsWhole: IsNever<
    Missing<MicrosoftTunnelHealthThreshold, typeof healthThresholds.entity, keyof ThresholdKind>
  >;
  logCollectionFits: Fits<Answer<typeof logCollections.entity>, MicrosoftTunnelServerLogCollectionResponse>;
  logCollectionIsWhole: IsNever<
    Missing<MicrosoftTunnelServerLogCollectionResponse, typeof logCollections.entity>
  >;
  scopeTagFits: Fits<Answer<typeof scopeTags.entity>, RoleScopeTag>;
  // Assignments of tags to groups of devices belong to Intune.
  scopeTagIsWhole: IsSame<Missing<RoleScopeTag, typeof scopeTags.entity>, 'assignments'>;
  healthStatuses: IsSame<(typeof healthStatuses)[number], MicrosoftTunnelServerHealthStatus>;
  deploymentModes: IsSame<(typeof deploymentModes)[number], MicrosoftTunnelDeploymentMode>;
  logCollectionStatuses: IsSame<(typeof logCollectionStatuses)[number], MicrosoftTunnelLogCollectionStatus>;
}>;
