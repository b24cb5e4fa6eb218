import type { DesiredConfiguration } from '@culvert/contracts';
import { readIfThere, writeDurably } from '../files/durable-file.ts';
import type { HostPaths } from '../host-paths.ts';
import type { Membership } from '../identity/identity.ts';

/** What people and programs of the host may want to know of the agent. */
export interface ToldState {
  membership: Membership;
  /** End of the certificate, and when it is renewed. */
  certificate: { notAfter: Date; renewalAt: Date };
  /** The configuration in use; undefined until the first was applied. */
  applied: DesiredConfiguration | undefined;
}

/** The texts of `agent-info.json` and `admin-settings.json`, by the names that the original product has for them. */
export function hostFilesOf({ membership, certificate, applied }: ToldState): {
  agentInfo: string;
  adminSettings: string | undefined;
} {
  const { serverId, siteId, displayName, url } = membership;
  const agentInfo = {
    AgentId: serverId,
    SiteId: siteId,
    DisplayName: displayName,
    ControlPlane: url,
    CertificateExpirationDate: certificate.notAfter.toISOString(),
    RenewalDate: certificate.renewalAt.toISOString(),
  };
  return {
    agentInfo: format(agentInfo),
    adminSettings: applied === undefined ? undefined : format(applied),
  };
}

/** Writes both, where they say something else. Nothing reads them but people and tools: they are told, not obeyed. */
export async function writeHostFiles(
  { agentInfoFile, adminSettingsFile }: Pick<HostPaths, 'agentInfoFile' | 'adminSettingsFile'>,
  state: ToldState,
): Promise<void> {
  const { agentInfo, adminSettings } = hostFilesOf(state);
  await writeIfOther(agentInfoFile, agentInfo);
  if (adminSettings !== undefined) await writeIfOther(adminSettingsFile, adminSettings);
}

async function writeIfOther(file: string, text: string): Promise<void> {
  if ((await readIfThere(file)) !== text) await writeDurably(file, text, 0o640);
}

function format(value: object): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
