import { join } from 'node:path';
import { address } from '@culvert/contracts';
import { z } from 'zod';

const filePath = z.string().min(1, { error: 'expected the path of a file' });

const databaseUrl = z.string().regex(/^(sqlite:.+|postgres(ql)?:\/\/.+)$/, {
  error: 'expected sqlite:FILE, such as sqlite:state/control.db, or postgresql://USER@HOST/DATABASE',
});

const publicUrl = z
  .url({ protocol: /^https$/, error: 'expected an https address, such as https://admin.example.com' })
  .refine((text) => URL.canParse(text) && new URL(text).href === `${new URL(text).origin}/`, {
    error: 'expected only a scheme, a host and perhaps a port, such as https://admin.example.com:8443',
  })
  .transform((text) => new URL(text).origin);

const tlsSchema = z.union(
  [
    z.strictObject({ certificateFile: filePath, privateKeyFile: filePath }),
    z.strictObject({ pfxFile: filePath, pfxPasswordFile: filePath.optional() }),
  ],
  { error: 'expected either certificateFile and privateKeyFile (PEM) or pfxFile (with pfxPasswordFile)' },
);

/** The configuration file of a control plane. Relative paths are relative to the file. */
export const controlPlaneConfigurationSchema = z.strictObject({
  listen: z
    .strictObject({
      address: address().default('127.0.0.1'),
      port: z.int().min(1).max(65_535).default(8443),
    })
    .prefault({}),
  /** Where browsers and tools reach it; part of every token, so it must not change lightly. */
  publicUrl,
  database: databaseUrl.default('sqlite:control.db'),
  /** Where the agents of servers connect: a listener of its own, because everything there is mutual TLS. */
  agents: z
    .strictObject({
      listen: z
        .strictObject({
          /** The default is that of the other listener. */
          address: address().optional(),
          port: z.int().min(1).max(65_535).default(8444),
        })
        .prefault({}),
      /** How agents reach it; the default is the host of `publicUrl` with the port of the listener. */
      url: publicUrl.optional(),
    })
    .prefault({}),
  /** Certificates of its own, keys, downloads. */
  stateDirectory: filePath,
  /** What `npm run build:host-tools` makes, and perhaps an archive of container images; anybody may download it. */
  downloadsDirectory: filePath.default(join(import.meta.dirname, '../../../../dist/host-tools')),
  /** Without it the control plane makes a certificate of its own. */
  tls: tlsSchema.optional(),
  /**
   * Where the key stands that encrypts secrets in the database: 32 bytes in base64. Without it the key comes from the
   * environment (CULVERT_SECRETS_KEY), from a systemd credential (culvert-secrets-key), or is made in the state directory.
   */
  secretsKeyFile: filePath.optional(),
  /** Address of a reverse proxy whose X-Forwarded-For is believed; nobody else's is. */
  trustedProxies: z.array(address()).default([]),
});

/** A validated configuration with absolute paths. */
export type ControlPlaneConfiguration = z.output<typeof controlPlaneConfigurationSchema>;

/** Where agents connect, as an origin. */
export function agentListenerUrl({ agents, publicUrl: url }: ControlPlaneConfiguration): string {
  if (agents.url !== undefined) return agents.url;
  const listener = new URL(url);
  listener.port = String(agents.listen.port);
  return listener.origin;
}
