import { z } from 'zod';
import { acrossFields } from './across-fields.ts';
import { address, cidr, explainCidr, networksOverlap } from './networks.ts';
import { scopeTagIds } from './scope-tags.ts';

/** Include and exclude rules together, as in the original product. */
export const maximumRoutes = 500;

/** Seconds after sign-in when a session ends if `session-timeout` is not set. */
export const defaultSessionTimeoutSeconds = 3600;

const noLineBreaks = (text: string) => !/[\r\n\0]/.test(text);

const headerText = (maximum: number) =>
  z.string().max(maximum).refine(noLineBreaks, { error: 'must be one line without control characters' });

const domainName = z
  .string()
  .max(253)
  .regex(/^(?!-)[A-Za-z0-9_-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9_-]{1,63}(?<!-))*$/, {
    error: 'expected a domain name such as corp.example.com',
  });

const route = cidr().refine((text) => !text.startsWith('0.0.0.0/'), {
  error: 'a route of 0.0.0.0 cannot be used: leave routeIncludes empty to send everything through the tunnel',
});

/** Addresses that no device can have: unspecified, loopback, multicast, reserved (RFC 6890), and IPv4 in another writing. */
const neverDevices = [
  '0.0.0.0/8',
  '127.0.0.0/8',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '::/128',
  '::1/128',
  '::ffff:0:0/96',
  'ff00::/8',
];

const notPool =
  'devices cannot have addresses such as 0.0.0.0, 127.0.0.1 or 224.0.0.1: use a private network such as 10.70.0.0/16 or fd70::/112';

/** True when devices can have every address; what is no network is refused by another rule. */
const isPool = (text: string) =>
  explainCidr(text) !== undefined || !neverDevices.some((network) => networksOverlap(text, network));

const wholeNumber = (least: number, most: number) =>
  z.string().refine((text) => /^\d{1,10}$/.test(text) && Number(text) >= least && Number(text) <= most, {
    error: `must be a whole number from ${least} to ${most}`,
  });

const advancedSettingRules = {
  'session-timeout': wholeNumber(60, 31_536_000),
  'idle-timeout': wholeNumber(30, 31_536_000),
  'roaming-timeout': wholeNumber(30, 86_400),
  'dead-peer-detection': wholeNumber(5, 3600),
  keepalive: wholeNumber(5, 3600),
  'rekey-time': wholeNumber(60, 2_147_483_647),
  'maximum-transmission-unit': wholeNumber(576, 16_384),
  banner: headerText(256),
} as const;

/** Names of `advancedSettings` that this product knows; every value travels as text, as in the original. */
export type AdvancedSettingName = keyof typeof advancedSettingRules;

const advancedSetting = z.strictObject({ name: z.string(), value: z.string() }).check((context) => {
  const { name, value } = context.value;
  const rule = Object.hasOwn(advancedSettingRules, name)
    ? advancedSettingRules[name as AdvancedSettingName]
    : undefined;
  if (rule === undefined) {
    context.issues.push({
      code: 'custom',
      path: ['name'],
      message: `unknown setting; known are ${Object.keys(advancedSettingRules).join(', ')}`,
      input: name,
    });
    return;
  }
  const result = value.trim() === '' ? undefined : rule.safeParse(value);
  if (result === undefined || !result.success) {
    context.issues.push({
      code: 'custom',
      path: ['value'],
      message: `${name} ${result?.error.issues[0]?.message ?? 'must not be empty'}`,
      input: value,
    });
  }
});

/** The properties of a server configuration, each with its default and its rule. */
export const serverConfigurationShape = {
  displayName: z.string().min(1).max(200),
  description: z.string().max(1000).default(''),
  /** IPv4 addresses leased to devices. */
  network: cidr('ipv4')
    .refine((text) => Number(text.split('/')[1]) <= 30, {
      error: 'too small: use a prefix length of 30 or less, a /16 covers 64,000 devices',
    })
    .refine(isPool, { error: notPool }),
  /** IPv6 addresses leased to devices; absent means that devices get IPv4 only. */
  ipv6Network: cidr('ipv6')
    .refine((text) => Number(text.split('/')[1]) <= 126, {
      error: 'too small: use a prefix length of 126 or less',
    })
    .refine(isPool, { error: notPool })
    .optional(),
  /** One number for TCP and UDP. */
  listenPort: z.int().min(1).max(65_535).default(443),
  dnsServers: z.array(address()).max(16).default([]),
  /** Search domain given to devices. */
  defaultDomainSuffix: domainName.optional(),
  /** Domains that devices resolve with `dnsServers`; empty means every name. */
  splitDNS: z.array(domainName).max(100).default([]),
  /** Networks that devices send into the tunnel; empty means everything. */
  routeIncludes: z.array(route).default([]),
  /** Networks that devices keep out of the tunnel. */
  routeExcludes: z.array(route).default([]),
  disableUdpConnections: z.boolean().default(false),
  advancedSettings: z.array(advancedSetting).default([]),
  roleScopeTagIds: scopeTagIds.default(['0']),
};

/**
 * The server configuration: names, defaults and rules of `microsoftTunnelConfiguration`
 * (Graph beta), so that one document serves the file of a standalone gateway and the control plane.
 */
export const serverConfigurationSchema = z.strictObject(serverConfigurationShape).check(
  acrossFields(
    { routeIncludes: z.array(z.unknown()), routeExcludes: z.array(z.unknown()) },
    (routes, report) => {
      const total = routes.routeIncludes.length + routes.routeExcludes.length;
      if (total > maximumRoutes) {
        report(
          ['routeIncludes'],
          `${total} include and exclude routes together; at most ${maximumRoutes} are allowed`,
          total,
        );
      }
      for (const [field, list] of Object.entries(routes)) {
        for (const [index, text] of list.entries()) {
          if (list.indexOf(text) < index) report([field, index], 'listed twice', text);
        }
      }
    },
  ),
  acrossFields(
    { advancedSettings: z.array(z.object({ name: z.unknown() })) },
    ({ advancedSettings }, report) => {
      const names = advancedSettings.map((setting) => setting.name);
      for (const [index, name] of names.entries()) {
        if (names.indexOf(name) < index)
          report(['advancedSettings', index, 'name'], `"${name}" is set twice`, name);
      }
    },
  ),
);

/** A validated server configuration with every default filled in. */
export type ServerConfiguration = z.output<typeof serverConfigurationSchema>;

/** Values of `advancedSettings` as numbers and text, with the product's defaults. Times in seconds. */
export interface TunnelSettings {
  sessionTimeoutSeconds: number;
  /** Undefined means that an idle session is never ended. */
  idleTimeoutSeconds: number | undefined;
  /** How long a session waits for its device after the connection was lost. */
  roamingTimeoutSeconds: number;
  deadPeerDetectionSeconds: number;
  keepaliveSeconds: number;
  rekeySeconds: number;
  /** Link MTU of the public side in bytes; undefined means 1500. */
  maximumTransmissionUnit: number | undefined;
  banner: string | undefined;
}

/** Reads the advanced settings of a validated configuration. */
export function tunnelSettings(configuration: ServerConfiguration): TunnelSettings {
  const values = new Map(configuration.advancedSettings.map(({ name, value }) => [name, value]));
  const seconds = (name: AdvancedSettingName) => {
    const value = values.get(name);
    return value === undefined ? undefined : Number(value);
  };
  return {
    sessionTimeoutSeconds: seconds('session-timeout') ?? defaultSessionTimeoutSeconds,
    idleTimeoutSeconds: seconds('idle-timeout'),
    roamingTimeoutSeconds: seconds('roaming-timeout') ?? 600,
    deadPeerDetectionSeconds: seconds('dead-peer-detection') ?? 30,
    keepaliveSeconds: seconds('keepalive') ?? 20,
    rekeySeconds: seconds('rekey-time') ?? 86_400,
    maximumTransmissionUnit: seconds('maximum-transmission-unit'),
    banner: values.get('banner'),
  };
}
