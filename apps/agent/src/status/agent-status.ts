/** What the agent tells about itself on its host. */
export interface AgentStatus {
  version: string;
  joined: boolean;
  serverId?: string;
  siteId?: string;
  controlPlane?: string;
  /** When the control plane answered last. */
  lastCheckIn?: string;
  /** What is wrong and what to do about it; absent while all is well. */
  lastError?: string;
  appliedRevision?: string;
  /** When the certificate expires. */
  certificateNotAfter?: string;
}
