import type { StoredRow } from '../graph/tables.ts';
import type { ServerUpgradeState } from './server-progress.ts';

export interface UpgradeTables {
  upgrades: StoredRow;
  upgrade_servers: {
    upgrade_id: string;
    server_id: string;
    state: ServerUpgradeState;
    /** The version before, which it goes back to when the upgrade fails. */
    from_version: string | null;
    started_at: string | null;
    /** When it was first answered with the version of the upgrade. */
    told_at: string | null;
    /** When it first checked in with the version of the upgrade. */
    came_up_at: string | null;
    /** Since when every check-in was without a problem that it did not have before. */
    healthy_since: string | null;
    finished_at: string | null;
    reason: string | null;
    /** JSON list of the metrics that were unhealthy before. */
    unhealthy_before: string;
    /** The time of the report of the monitor that was there before, so that it is not taken for one about this upgrade. */
    report_before: string | null;
  };
}
