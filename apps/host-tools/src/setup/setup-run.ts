import type { ContainerEngine } from '../container-engine/container-engine.ts';
import type { HostLayout } from '../host-layout/host-layout.ts';
import type { ToolContext } from '../program/tool.ts';
import type { SetupOptions } from './options.ts';
import type { StepName } from './setup-facts.ts';

/** The system account of the containers. */
export interface ServiceAccount {
  userId: number;
  groupId: number;
}

/** One installation: where, how, and with whom in front of it. */
export interface SetupRun extends ToolContext {
  layout: HostLayout;
  options: SetupOptions;
  /** The version that is installed: that of this program. */
  version: string;
  now: () => Date;
  /** The engine by the settings of the moment; rejects with a Failure when none answers. */
  engine(): Promise<ContainerEngine>;
  /** The account; undefined while there is none. */
  account(): Promise<ServiceAccount | undefined>;
}

/** One step of an installation. */
export interface Step {
  name: StepName;
  title: { en: string; ja: string };
  /** Looks at the host alone, and changes nothing. */
  isDone(run: SetupRun): Promise<boolean>;
  /** Rejects with a Failure, after which the installation can be run again. */
  carryOut(run: SetupRun): Promise<void>;
}

/** The account in a step that comes after the one that makes it. */
export async function requireAccount({ account }: SetupRun): Promise<ServiceAccount> {
  const found = await account();
  if (found === undefined) throw new Error('the account was made by an earlier step');
  return found;
}
