import { z } from 'zod';
import { acrossFields } from './across-fields.ts';
import { address } from './networks.ts';
import { serverConfigurationSchema } from './server-configuration.ts';

const publicAddress = z
  .string()
  .max(253)
  .regex(
    /^([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*|[0-9A-Fa-f:.]+)$/,
    {
      error: 'expected a host name or an IP address, such as vpn.example.com',
    },
  );

const interfaceName = z.string().regex(/^[A-Za-z0-9_.-]{1,15}$/, {
  error: 'expected the name of a network interface, such as eth1 (at most 15 characters)',
});

const filePath = z.string().min(1, { error: 'expected the path of a file' });

/** Kinds of device that a client can claim to run on. */
export const platforms = [
  'iOS',
  'iPadOS',
  'android',
  'windows',
  'macOS',
  'linux',
  'chromeOS',
  'other',
] as const;
export type Platform = (typeof platforms)[number];

const tlsSchema = z.union(
  [
    z.strictObject({ certificateFile: filePath, privateKeyFile: filePath }),
    z.strictObject({ pfxFile: filePath, pfxPasswordFile: filePath.optional() }),
  ],
  { error: 'expected either certificateFile and privateKeyFile (PEM) or pfxFile (with pfxPasswordFile)' },
);

const authenticationSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('passwordFile'),
    /** Written by `gateway passwd`; one account a line. */
    file: filePath,
  }),
  z.strictObject({
    kind: z.literal('clientCertificate'),
    /** PEM file of the certification authorities that may issue client certificates. */
    authoritiesFile: filePath,
    /** `secondFactor`: a certificate and a password of the same account; `alone`: the certificate signs in. */
    use: z.enum(['secondFactor', 'alone']).default('secondFactor'),
    /** Where the account name stands in the certificate. A certificate without it is refused. */
    identity: z.enum(['commonName', 'subjectAlternativeEmail', 'userPrincipalName']).default('commonName'),
  }),
]);

const httpUrl = z.url({ protocol: /^https?$/, error: 'expected an http or https address' }).max(1024);

const clientProxySchema = z.union(
  [
    z.strictObject({ pacUrl: httpUrl }),
    z.strictObject({
      server: z.string().regex(/^[A-Za-z0-9.-]{1,253}:\d{1,5}$|^\[[0-9A-Fa-f:]+\]:\d{1,5}$/, {
        error: 'expected address:port, such as proxy.corp.example:8080',
      }),
      exceptions: z
        .array(z.string().regex(/^[A-Za-z0-9.*:-]{1,253}$/))
        .max(100)
        .default([]),
    }),
  ],
  { error: 'expected either pacUrl or server (address:port)' },
);

/** The configuration file of a standalone gateway. Relative paths are relative to the file. */
export const standaloneConfigurationSchema = z
  .strictObject({
    /** Name or address that devices connect to; must stand in the certificate. */
    publicAddress,
    serverConfiguration: serverConfigurationSchema,
    tls: tlsSchema,
    authentication: z.array(authenticationSchema).min(1),
    clientProxy: clientProxySchema.optional(),
    /** Where sessions, logs and sockets of the running gateway live. */
    stateDirectory: filePath,
    /** Addresses of the public side to listen on; the default is every address. */
    listenAddresses: z.array(address()).min(1).optional(),
    /** When set, traffic of devices leaves through this interface only. */
    internalInterface: interfaceName.optional(),
    /** Language of the messages that people see in their client. */
    language: z.enum(['en', 'ja']).default('en'),
    tunnelInterface: interfaceName.default('culvert0'),
    allowDeviceToDevice: z.boolean().default(false),
    allowedPlatforms: z
      .array(z.enum(platforms))
      .min(1)
      .default([...platforms]),
    /** True behind a layer-4 balancer that sends a PROXY protocol header; then every connection must have one. */
    proxyProtocol: z.boolean().default(false),
    /** Seconds between the order to stop and the stop, in which probes and new devices are told to go elsewhere. */
    drainSeconds: z.int().min(0).max(300).default(0),
    /** Sign-in throttle and ban of addresses that keep guessing. */
    signInProtection: z
      .strictObject({
        failuresBeforeBan: z.int().min(3).max(1000).default(8),
        banSeconds: z.int().min(10).max(604_800).default(300),
        neverBan: z.array(address()).default([]),
      })
      .prefault({}),
    /** Sessions that one account may have at the same time. */
    maximumSessionsPerAccount: z.int().min(1).max(64_000).default(16),
  })
  .check(
    acrossFields(
      { authentication: z.array(z.object({ kind: z.unknown(), use: z.unknown().optional() })) },
      ({ authentication }, report) => {
        const kinds = authentication.map((method) => method.kind);
        for (const [index, kind] of kinds.entries()) {
          if (kind !== undefined && kinds.indexOf(kind) < index) {
            report(['authentication', index, 'kind'], `"${kind}" is listed twice`, kind);
          }
        }
        const certificate = authentication.find((method) => method.kind === 'clientCertificate');
        const secondFactor =
          certificate !== undefined && (certificate.use ?? 'secondFactor') === 'secondFactor';
        if (secondFactor && !kinds.includes('passwordFile')) {
          report(
            ['authentication'],
            'a client certificate as secondFactor needs a first one: add passwordFile, or set "use" to "alone"',
            kinds,
          );
        }
      },
    ),
  );

/** A validated standalone configuration; file paths are still as written. */
export type StandaloneConfiguration = z.output<typeof standaloneConfigurationSchema>;
