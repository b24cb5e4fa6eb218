import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { hostLayout } from '../host-layout/host-layout.ts';

/** Where the files of one server are, which another tool has put there. */
export interface ServerFiles {
  directory: string;
  gatewayFile: string;
  environmentFile: string;
  certificateChain: string;
  certificateKey: string;
  adminSocket: string;
}

/** The files of the server in a directory; without one, of the server that is installed on this host. */
export function serverFiles(directory = hostLayout().directory): ServerFiles {
  const at = (name: string) => join(directory, name);
  return {
    directory,
    gatewayFile: at('gateway.json'),
    environmentFile: at('env.sh'),
    certificateChain: at('certs/site.crt'),
    certificateKey: at('private/site.key'),
    adminSocket: at('run/admin.sock'),
  };
}

/** The part of `gateway.json` that readiness asks for; the rest is the gateway's own business. */
const gatewaySchema = z.object({
  publicAddress: z.string().optional(),
  serverConfiguration: z.object({ listenPort: z.int().default(443) }).optional(),
  tls: z
    .union([
      z.object({ certificateFile: z.string(), privateKeyFile: z.string() }),
      z.object({ pfxFile: z.string(), pfxPasswordFile: z.string().optional() }),
    ])
    .optional(),
});

/** What an installed gateway is told; paths are absolute. */
export interface InstalledGateway {
  publicAddress?: string;
  listenPort: number;
  certificate: { file: string; keyFile?: string; passwordFile?: string };
}

/** Reads the file of the gateway; undefined when there is none, or this account may not read it. */
export async function installedGatewayOf(files: ServerFiles): Promise<InstalledGateway | undefined> {
  const text = await readFile(files.gatewayFile, 'utf8').catch(() => undefined);
  const { data } = gatewaySchema.safeParse(parse(text ?? ''));
  if (data === undefined) return undefined;
  const { publicAddress, serverConfiguration, tls } = data;
  const at = (file: string) => resolve(files.directory, file);
  return {
    ...(publicAddress === undefined ? {} : { publicAddress }),
    listenPort: serverConfiguration?.listenPort ?? 443,
    certificate:
      tls === undefined
        ? { file: files.certificateChain, keyFile: files.certificateKey }
        : 'pfxFile' in tls
          ? {
              file: at(tls.pfxFile),
              ...(tls.pfxPasswordFile === undefined ? {} : { passwordFile: at(tls.pfxPasswordFile) }),
            }
          : { file: at(tls.certificateFile), keyFile: at(tls.privateKeyFile) },
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
