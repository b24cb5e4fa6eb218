import type { AgentSettings, CommandOrder } from '@culvert/contracts';

export type CollectOrder = Extract<CommandOrder, { kind: 'collectLogs' }>;

/** What the agent does with the logs of its host. */
export interface HostLogs {
  /** For `logsAreVerbose` of a check-in. */
  readonly areVerbose: boolean;
  /** Takes an order over for good; it is carried out in the background, and its collection tells how it ended. */
  collect(order: CollectOrder): Promise<void>;
  /** Goes on with what an earlier process has left. */
  resume(): Promise<void>;
  /** After each check-in that was answered. Never rejects. */
  checkedIn(settings: Pick<AgentSettings, 'verboseLogsUntil'>): Promise<void>;
  close(): Promise<void>;
}
