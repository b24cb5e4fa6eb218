import { z } from 'zod';
import { readEnvironmentFile } from '../host-layout/environment-file.ts';
import type { HostLayout } from '../host-layout/host-layout.ts';
import { readSharedFile } from '../host-layout/shared-file.ts';
import { Failure } from '../program/failure.ts';

/** `env.sh`; empty when there is none. Throws a Failure for a line that is not understood, and for a file that is not root's. */
export function readVariables({
  environmentFile,
}: Pick<HostLayout, 'environmentFile'>): ReadonlyMap<string, string> {
  const read = readEnvironmentFile(readSharedFile(environmentFile, { isOfRoot: true }) ?? '');
  if (read.ok) return read.variables;
  const { line, problem } = read;
  throw new Failure({
    en: `${environmentFile}, line ${line}: ${problem.en}.`,
    ja: `${environmentFile} の ${line} 行目: ${problem.ja}。`,
  });
}

/** The part of `gateway.json` that its container follows from; the rest is the gateway's own business. */
const portSchema = z.object({
  serverConfiguration: z.object({ listenPort: z.int().min(1).max(65535).default(443) }),
});

/** The port that devices connect to. Throws a Failure while there is no configuration, or none that can be read. */
export function readPort({ gatewayFile }: Pick<HostLayout, 'gatewayFile'>): number {
  const text = readSharedFile(gatewayFile);
  if (text === undefined) {
    throw new Failure({
      en: `The server has no configuration yet: ${gatewayFile} is missing. Run mstunnel-setup.`,
      ja: `サーバーにはまだ構成がありません (${gatewayFile} が存在しません)。mstunnel-setup を実行してください。`,
    });
  }
  const read = portSchema.safeParse(parseJson(text));
  if (read.success) return read.data.serverConfiguration.listenPort;
  throw new Failure({
    en: `${gatewayFile} does not tell the port: serverConfiguration.listenPort must be a number from 1 to 65535.`,
    ja: `${gatewayFile} からポートを読み取れません。serverConfiguration.listenPort は 1 から 65535 までの数値でなければなりません。`,
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The message of the parser would hold a part of the file.
    return undefined;
  }
}
