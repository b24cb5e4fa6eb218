import type { MonitoredProcess } from '@culvert/contracts';
import type { ImageState } from '../container-engine/container-engine.ts';
import type { HostLayout } from '../host-layout/host-layout.ts';
import { readSharedFile, writeSharedFile } from '../host-layout/shared-file.ts';

export interface InstalledVersions {
  version: string;
  engine: { name: string; version: string };
  images: Readonly<Record<MonitoredProcess, ImageState>>;
}

/** Writes `images_configured` and `version-info.json`, where people and the agent read what is installed. */
export function writeVersions(
  { configuredImagesFile, versionInfoFile }: Pick<HostLayout, 'configuredImagesFile' | 'versionInfoFile'>,
  { version, engine, images: { server, agent } }: InstalledVersions,
): void {
  replace(configuredImagesFile, { agentImageDigest: agent.digest, serverImageDigest: server.digest });
  replace(versionInfoFile, {
    Version: version,
    ContainerEngine: engine.name,
    DockerVersion: engine.version,
    AgentImageHash: agent.digest,
    AgentCreateDate: agent.createdAt,
    ServerImageHash: server.digest,
    ServerCreateDate: server.createdAt,
  });
}

function replace(file: string, document: object): void {
  const text = `${JSON.stringify(document, undefined, 2)}\n`;
  if (unlessRefused(file) !== text) writeSharedFile(file, text, 0o644);
}

/** What must not be read is replaced. */
function unlessRefused(file: string): string | undefined {
  try {
    return readSharedFile(file);
  } catch {
    return undefined;
  }
}
