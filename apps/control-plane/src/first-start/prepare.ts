import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeFinding, validateDocument } from '@culvert/contracts';
import { controlPlaneConfigurationSchema } from '../configuration/control-plane-configuration.ts';
import { ConfigurationError } from '../configuration/load.ts';

/** What the administrator may choose at the first start; everything else is generated. */
export interface FirstStartChoices {
  publicUrl?: string;
}

const usualPort = 8443;
const otherPort = 9443;
/** For agents; the first is the one of a configuration that names none. */
const agentPorts = [8444, 9444, 10_444];

/**
 * Makes the configuration file of a control plane in `directory`, or keeps the one that is there. Resolves to its path.
 * `takenPort` belongs to the gateway of the same host.
 */
export async function prepareFirstStart(
  directory: string,
  { publicUrl }: FirstStartChoices,
  takenPort: number | undefined,
): Promise<string> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const file = join(directory, 'control-plane.json');
  const present = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    return undefined;
  });
  if (present !== undefined) {
    requireSameUrl(file, present, publicUrl);
    return file;
  }
  const document = firstConfiguration(publicUrl, takenPort);
  // Before it is written: a first start with a mistake is simply done again.
  const validated = validateDocument(controlPlaneConfigurationSchema, document);
  if (!validated.ok) throw new ConfigurationError(validated.problems.map(describeFinding).join('\n'));
  await writeFile(`${file}.new`, `${JSON.stringify(document, undefined, 2)}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
  return file;
}

/** Answers on loopback until the administrator gives a name under which others reach it. */
export function firstConfiguration(publicUrl: string | undefined, takenPort: number | undefined) {
  const free = takenPort === usualPort ? otherPort : usualPort;
  const url = publicUrl !== undefined && URL.canParse(publicUrl) ? new URL(publicUrl) : undefined;
  const port = url === undefined ? free : Number(url.port === '' ? 443 : url.port);
  const isLocal = url === undefined || url.hostname === 'localhost';
  const agentPort = agentPorts.find((one) => one !== port && one !== takenPort);
  return {
    ...(agentPort === agentPorts[0] ? {} : { agents: { listen: { port: agentPort } } }),
    listen: { address: isLocal ? '127.0.0.1' : '::', port },
    publicUrl: publicUrl ?? `https://localhost:${port}`,
    database: 'sqlite:control-plane/control.db',
    stateDirectory: 'control-plane',
  };
}

function requireSameUrl(file: string, text: string, publicUrl: string | undefined): void {
  if (publicUrl === undefined) return;
  const present: unknown = JSON.parse(text);
  const found = (present as { publicUrl?: unknown } | null)?.publicUrl;
  if (found === publicUrl) return;
  throw new Error(
    `${file} is there already, with the public URL ${String(found)}; change it there, or leave the option out: it counts at the first start only`,
  );
}
